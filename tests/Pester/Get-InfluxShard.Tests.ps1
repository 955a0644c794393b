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
