param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $hasNoServer = -not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
}

Describe 'Get-InfluxShard of a server' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'server')
        Add-SampleData $server
    }

    AfterAll {
        Stop-InfluxServer $server
    }

    It 'lists the shards' {
        $shards = Get-InfluxShard -DataNode $server.DataNode
        $shards.Count | Should -Be 5
        $shards.IsPresent | Sort-Object -Unique | Should -BeTrue
        $shards.DataNode | Sort-Object -Unique | Should -Be $server.DataNode
        $shards.Where({ $null -ne $_.Size }) | Should -BeNullOrEmpty
    }

    It 'knows sizes from the HTTP API' {
        $null = Backup-InfluxCluster -DataNode $server.DataNode -Path (Join-Path $TestDrive 'set')
        # The server's count of files follows its flush within a few seconds.
        foreach ($attempt in 1..50) {
            $shard = Get-InfluxShard -DataNode $server.DataNode -HttpUri $server.HttpUri -Database plant | Select-Object -First 1
            if ($shard.Size -gt 0) { break }
            Start-Sleep -Milliseconds 200
        }
        $shard.Size | Should -BeGreaterThan 0
        $shard.TsmFiles | Should -BeGreaterThan 0
    }

    It 'answers to -ComputerName' {
        @(Get-InfluxShard -ComputerName $server.DataNode -Database "it's odd").Count | Should -Be 1
    }

    It 'chooses by database, policy and time' {
        (Get-InfluxShard -DataNode $server.DataNode -Database plant -RetentionPolicy autogen).Count | Should -Be 3
        (Get-InfluxShard -DataNode $server.DataNode -Database plant -Start '2023-11-14' -End '2023-11-15').ShardId | Should -Be 2
    }

    It 'says what there is when a name is wrong' {
        $record = { Get-InfluxShard -DataNode $server.DataNode -Database plnat -ErrorAction Stop } | Should -Throw -PassThru
        $record.FullyQualifiedErrorId | Should -BeLike 'DatabaseNotFound,*'
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*plant*'
    }

    It 'ends the script when there is no server' {
        { Get-InfluxShard -DataNode "127.0.0.1:$(Get-FreePort)" } | Should -Throw -ErrorId 'DataNodeUnreachable,*'
    }
}

Describe 'Get-InfluxShard of a backup' {
    BeforeAll {
        $data = (Resolve-Path (Join-Path $PSScriptRoot '..' 'Data')).ProviderPath
        $golden = Join-Path $data '1.6.7-tsi1' 'portable'
    }

    It 'reads the shards through with -Detailed' {
        $shards = Get-InfluxShard $golden -Detailed
        $shards.Count | Should -Be 22
        $shards.Where({ $_.Series -lt 1 -or $_.Points -lt 1 -or $_.FirstPointTime -gt $_.LastPointTime }) | Should -BeNullOrEmpty
        $shards.Where({ $_.HasPendingDeletes }).Database | Sort-Object -Unique | Should -Be 'deletes'
        ($shards | Measure-Object Points -Sum).Sum | Should -Be (Test-InfluxBackup $golden).Points
        $shards | Format-Table -View Detailed | Out-String -Width 250 | Should -BeLike '*Series*Points*pending*'
    }

    It 'has no counts without it' {
        (Get-InfluxShard $golden).Where({ $null -ne $_.Points }) | Should -BeNullOrEmpty
    }

    It 'writes an error and the other shards where one can not be read' {
        $shards = Get-InfluxShard (Join-Path $data 'hostile' 'tsm-huge-key-length') -Detailed -ErrorVariable problems -ErrorAction SilentlyContinue
        $shards.Count | Should -Be 2
        $shards.Where({ $null -ne $_.Points }).Count | Should -Be 1
        $problems[0].FullyQualifiedErrorId | Should -BeLike 'TsmFileDamaged,*'
    }
}

Describe 'Get-InfluxShard of directories' {
    BeforeAll {
        $wal = Join-Path $PSScriptRoot '..' 'Data' 'hostile' 'wal' '_sound.wal'
        $tsm = Join-Path $PSScriptRoot '..' 'Data' 'hostile' 'tsm' 'sound-86-bytes.tsm'
        $null = New-Item -ItemType Directory (Join-Path $TestDrive 'data/db/rp/7'), (Join-Path $TestDrive 'wal/db/rp/7')
        Copy-Item $tsm (Join-Path $TestDrive 'data/db/rp/7/000000001-000000001.tsm')
        Copy-Item $wal (Join-Path $TestDrive 'wal/db/rp/7/_00001.wal')
    }

    It 'lists files and sizes' {
        $shard = Get-InfluxShard -DataDirectory TestDrive:/data -WalDirectory TestDrive:/wal
        $shard.ShardId | Should -Be 7
        $shard.TsmFiles | Should -Be 1
        $shard.WalSegments | Should -Be 1
        $shard.Points | Should -BeNullOrEmpty
        $shard | Format-Table | Out-String | Should -BeLike '*db*rp*7*'
    }

    It 'reads TSM files and write-ahead log with -Detailed' {
        (Get-InfluxShard -DataDirectory (Join-Path $TestDrive 'data') -Detailed).Points | Should -Be 1
        (Get-InfluxShard -DataDirectory (Join-Path $TestDrive 'data') -WalDirectory (Join-Path $TestDrive 'wal') -Detailed).Points | Should -BeGreaterThan 1
    }

    It 'says what is wrong with a directory' {
        $record = { Get-InfluxShard -DataDirectory (Join-Path $TestDrive 'nowhere') -ErrorAction Stop } | Should -Throw -PassThru
        $record.FullyQualifiedErrorId | Should -BeLike 'DirectoryNotFound,*'
    }
}
