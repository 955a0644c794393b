param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $hasNoServer = -not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
}

Describe 'Backup-InfluxCluster' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'server')
        Add-SampleData $server
        $node = @{ DataNode = $server.DataNode }

        function New-SetPath { Join-Path $TestDrive ([System.IO.Path]::GetRandomFileName()) }
    }

    AfterAll {
        Stop-InfluxServer $server
    }

    It 'makes a backup that influxd calls its own' {
        $set = New-SetPath
        $result = Backup-InfluxCluster @node -Path $set
        $result.GetType().FullName | Should -Be 'InfluxBackup.Operations.BackupResult'
        "$($result.Outcome)" | Should -Be 'Complete'
        $result.ShardCount | Should -Be 5
        $result.Path | Should -Be $set
        $result.ManifestPath | Should -Exist
        $result.ManifestPath | Should -Be (Join-Path $set "$($result.Timestamp).manifest")

        influxd restore -portable -host $server.DataNode -db plant -newdb official $set *> (Join-Path $TestDrive 'restore.log')
        $LASTEXITCODE | Should -Be 0
        Wait-Influx { (Invoke-Influx $server 'SELECT count(value) FROM temperature' official).count -eq 3000 }
    }

    It 'takes the path from where the user stands' {
        Push-Location $TestDrive
        try {
            (Backup-InfluxCluster @node -Path ./relative -Database plant).Path | Should -Be (Join-Path $TestDrive 'relative')
        }
        finally {
            Pop-Location
        }
    }

    It 'takes brackets in a path as they are' {
        $set = (New-SetPath) + '[1]*'
        (Backup-InfluxCluster @node -Path $set -Database plant).ManifestPath | Should -Not -BeNullOrEmpty
        Test-Path -LiteralPath $set | Should -BeTrue
        Test-InfluxBackup -LiteralPath $set -Quiet | Should -BeTrue
        Test-InfluxBackup -Path $set -Quiet | Should -BeTrue
    }

    It 'takes <What> alone' -ForEach @(
        @{ What = 'a database'; Selection = @{ Database = 'plant' }; Count = 4 }
        @{ What = 'two databases'; Selection = @{ Database = 'plant', "it's odd" }; Count = 5 }
        @{ What = 'a retention policy'; Selection = @{ Database = 'plant'; RetentionPolicy = 'five-years' }; Count = 1 }
        @{ What = 'a span of time'; Selection = @{ Database = 'plant'; Start = '2023-11-14T00:00:00Z'; End = '2023-11-15T00:00:00Z' }; Count = 1 }
        @{ What = 'a span of time in DateTimes'; Selection = @{ RetentionPolicy = 'autogen'; Database = 'plant'; End = [datetime]::new(2023, 11, 14, 0, 0, 0, [System.DateTimeKind]::Utc) }; Count = 2 }
    ) {
        (Backup-InfluxCluster @node -Path (New-SetPath) @Selection).ShardCount | Should -Be $Count
    }

    It 'takes shards by their ids' {
        $ids = (Get-InfluxShard @node -Database plant -RetentionPolicy autogen | Select-Object -First 2).ShardId
        $result = Backup-InfluxCluster @node -Path (New-SetPath) -ShardId $ids
        $result.Shards.ShardId | Sort-Object | Should -Be $ids
    }

    It 'leaves out what has not changed, and the set has it all the same' {
        $set = New-SetPath
        $full = Backup-InfluxCluster @node -Path $set -Database plant
        # Times of files are whole seconds, and so are the names of backups.
        Start-Sleep -Milliseconds 2100
        Write-Influx $server 'plant' 'temperature,room=r1 value=2 1699228800000000001'
        $changes = Backup-InfluxCluster @node -Path $set -Database plant -Since ([datetime]::UtcNow.AddSeconds(-1))
        $changes.ShardCount | Should -Be 1
        $changes.Shards.Where({ $_.Outcome -eq 'Skipped' }).Count | Should -Be 3
        (Get-InfluxBackupManifest $set).Count | Should -Be 2
        $full.ShardCount | Should -Be 4

        $null = Restore-InfluxBackup $set -Combine @node -Database plant -NewDatabase combined
        (Invoke-Influx $server 'SELECT count(value) FROM temperature' combined).count | Should -Be 3001
    }

    It 'takes the name of a backup for a time' {
        $soon = [datetime]::UtcNow.AddMinutes(30).ToString("yyyyMMdd'T'HHmmss'Z'")
        $result = Backup-InfluxCluster @node -Path (New-SetPath) -Database plant -Since $soon
        $result.ShardCount | Should -Be 0
        "$($result.Outcome)" | Should -Be 'Complete'
    }

    It 'does not look back to a time in the future' {
        { Backup-InfluxCluster @node -Path (New-SetPath) -Database plant -Since '20990101T000000Z' } | Should -Throw -ErrorId 'SinceInFuture*'
    }

    It 'takes <Timeout> for a timeout' -ForEach @(
        @{ Timeout = 30 }, @{ Timeout = '30' }, @{ Timeout = 0.5 }, @{ Timeout = '00:00:30' }, @{ Timeout = [timespan]::FromSeconds(30) }
    ) {
        (Backup-InfluxCluster @node -Path (New-SetPath) -Database plant -Timeout $Timeout).ShardCount | Should -Be 4
    }

    It 'does not take <Timeout> for a timeout' -ForEach @(@{ Timeout = 0 }, @{ Timeout = -1 }, @{ Timeout = 'soon' }) {
        { Backup-InfluxCluster @node -Path (New-SetPath) -Timeout $Timeout } | Should -Throw
    }

    It 'compresses as it is told' {
        $plain = Backup-InfluxCluster @node -Path (New-SetPath) -CompressionLevel NoCompression -Database plant
        $small = Backup-InfluxCluster @node -Path (New-SetPath) -CompressionLevel SmallestSize -Database plant
        $small.StoredBytes | Should -BeLessThan $plain.StoredBytes
    }

    It 'knows more with the HTTP API' {
        $password = ConvertTo-SecureString 'unused' -AsPlainText -Force
        $credential = [pscredential]::new('nobody', $password)
        $result = Backup-InfluxCluster @node -HttpUri $server.HttpUri -Credential $credential -Path (New-SetPath)
        $result.ServerVersion | Should -Match '^\d+\.\d+'
        Get-Content -Raw $result.ManifestPath | Should -Not -Match 'unused|nobody'
    }

    Context 'with -WhatIf' {
        It 'writes the plan and nothing else' {
            $set = New-SetPath
            $plan = Backup-InfluxCluster @node -HttpUri $server.HttpUri -Path $set -Database plant -WhatIf
            $plan.GetType().FullName | Should -Be 'InfluxBackup.Operations.BackupPlan'
            $plan.Shards.Count | Should -Be 4
            $plan.Shards.ShardId | Should -Be (Get-InfluxShard @node -Database plant).ShardId
            $set | Should -Not -Exist
        }

        It 'shows every shard' {
            $text = Backup-InfluxCluster @node -Path (New-SetPath) -Database plant -WhatIf | Out-String
            $text | Should -BeLike '*metadata and 4 shards*'
            $text | Should -BeLike '*autogen*2023-11-06*2023-11-13*'
        }
    }

    Context 'when it can not be done' {
        It 'says <Id>' -ForEach @(
            @{ Id = 'DatabaseNotFound'; Category = 'ObjectNotFound'; Wrong = @{ Database = 'nope' }; Says = '*plant*' }
            @{ Id = 'RetentionPolicyNotFound'; Category = 'ObjectNotFound'; Wrong = @{ Database = 'plant'; RetentionPolicy = 'nope' }; Says = '*five-years*' }
            @{ Id = 'ShardNotFound'; Category = 'ObjectNotFound'; Wrong = @{ ShardId = 99999 }; Says = '*1*' }
            @{ Id = 'DatabaseRequired'; Category = 'InvalidArgument'; Wrong = @{ RetentionPolicy = 'autogen' }; Says = '*' }
            @{ Id = 'TimeRangeInvalid'; Category = 'InvalidArgument'; Wrong = @{ Start = '2024-01-02'; End = '2024-01-01' }; Says = '*' }
            @{ Id = 'HttpUriRequired'; Category = 'InvalidArgument'; Wrong = @{ Credential = [pscredential]::new('a', [securestring]::new()) }; Says = '*-HttpUri*' }
            @{ Id = 'HttpUriInvalid'; Category = 'InvalidArgument'; Wrong = @{ HttpUri = 'ftp://x' }; Says = '*' }
        ) {
            $set = New-SetPath
            $record = { Backup-InfluxCluster @node -Path $set @Wrong } | Should -Throw -PassThru
            $record.FullyQualifiedErrorId | Should -BeLike "$Id,*"
            "$($record.CategoryInfo.Category)" | Should -Be $Category
            $record.ErrorDetails.RecommendedAction | Should -BeLike $Says
            $set | Should -Not -Exist
        }

        It 'says that nothing listens' {
            $port = Get-FreePort
            $record = { Backup-InfluxCluster -DataNode "127.0.0.1:$port" -Path (New-SetPath) } | Should -Throw -PassThru
            $record.FullyQualifiedErrorId | Should -BeLike 'DataNodeUnreachable,*'
            "$($record.CategoryInfo.Category)" | Should -Be 'ConnectionError'
            $record.TargetObject | Should -Be "127.0.0.1:$port"
        }

        It 'says that the port is that of the HTTP API' {
            $wrong = ([uri]$server.HttpUri).Authority
            { Backup-InfluxCluster -DataNode $wrong -Path (New-SetPath) } | Should -Throw -ErrorId 'HttpPortGiven,*'
        }

        It 'does not take an address for a data node' {
            { Backup-InfluxCluster -DataNode $server.HttpUri -Path (New-SetPath) } | Should -Throw -ErrorId 'DataNodeAddressInvalid,*'
        }

        It 'says that a file is in the way' {
            $file = New-Item -ItemType File -Path (New-SetPath)
            $record = { Backup-InfluxCluster @node -Path $file } | Should -Throw -PassThru
            "$($record.CategoryInfo.Category)" | Should -Be 'WriteError'
            $record.Exception.Message | Should -BeLike "*$($file.Name)*"
        }

        It 'does not take a path outside of the file system' {
            { Backup-InfluxCluster @node -Path 'Env:\set' } | Should -Throw -ErrorId 'PathNotFileSystem,*'
        }
    }
}
