param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
    $hasNoServer = -not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
    $hasNoEmulator = -not (Test-EmulatorBuilt)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
}

Describe 'Restore-InfluxBackup' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'server')
        Add-SampleData $server
        Invoke-Influx $server 'CREATE USER "reader" WITH PASSWORD ''secret'''
        Invoke-Influx $server 'GRANT READ ON "plant" TO "reader"'
        Invoke-Influx $server 'CREATE USER "leaver" WITH PASSWORD ''secret'''
        Invoke-Influx $server 'GRANT ALL ON "plant" TO "leaver"'
        $node = @{ DataNode = $server.DataNode }
        $set = Join-Path $TestDrive 'set'
        # The hashes of passwords are in the metadata of a backup, and nowhere else.
        $backupPlan = Backup-InfluxCluster @node -Path $set -WhatIf | ConvertTo-Json -Depth 8 -WarningAction SilentlyContinue
        $backup = Backup-InfluxCluster @node -Path $set
        Invoke-Influx $server 'DROP USER "leaver"'
    }

    AfterAll {
        Stop-InfluxServer $server
    }

    It 'brings every point back under a new name' {
        $result = Restore-InfluxBackup $set @node -HttpUri $server.HttpUri -Database plant -NewDatabase copy
        $result.GetType().FullName | Should -Be 'InfluxBackup.Operations.RestoreResult'
        "$($result.Outcome)" | Should -Be 'Complete'
        $result.Databases | Should -Be 'copy'
        $result.ShardCount | Should -Be 4
        foreach ($query in 'SELECT * FROM temperature', 'SELECT * FROM "five-years".temperature') {
            $before = Invoke-Influx $server $query plant | ConvertTo-Csv
            $before.Count | Should -BeGreaterThan 1
            Invoke-Influx $server $query copy | ConvertTo-Csv | Should -Be $before
        }
    }

    It 'restores continuous queries and grants, and names what it can not restore' {
        $result = Restore-InfluxBackup $set @node -HttpUri $server.HttpUri -Database plant -NewDatabase granted
        (Invoke-Influx $server 'SHOW CONTINUOUS QUERIES').query -match 'granted' | Should -Not -BeNullOrEmpty
        (Invoke-Influx $server 'SHOW GRANTS FOR "reader"').database | Should -Contain 'granted'
        $left = $result.Objects.Where({ -not $_.IsRestored })
        $left.Name | Sort-Object -Unique | Should -Be 'leaver'
        $left.Where({ $_.Kind -eq 'Grant' }).Statement | Should -Be 'GRANT ALL ON "granted" TO "leaver"'
        $result | Format-List | Out-String | Should -BeLike '*NotRestored*leaver*'
    }

    It 'takes <What> from the pipeline' -ForEach @(
        @{ What = 'a result of a backup'; Name = 'piped1'; Source = { $backup } }
        @{ What = 'a manifest'; Name = 'piped2'; Source = { Get-InfluxBackupManifest $set } }
        @{ What = 'a directory'; Name = 'piped3'; Source = { Get-Item $set } }
    ) {
        $result = & $Source | Restore-InfluxBackup @node -Database plant -NewDatabase $Name
        $result.Timestamp | Should -Be $backup.Timestamp
        (Invoke-Influx $server 'SELECT count(value) FROM temperature' $Name).count | Should -Be 3000
    }

    It 'restores the backup that is named' {
        $two = Join-Path $TestDrive 'two'
        $first = Backup-InfluxCluster @node -Path $two -Database plant
        Start-Sleep -Milliseconds 1100
        $null = Backup-InfluxCluster @node -Path $two -Database "it's odd"
        (Restore-InfluxBackup $two @node -Timestamp $first.Timestamp -NewDatabase named -Database plant).ShardCount | Should -Be 4
    }

    It 'restores one policy under a new name' {
        $result = Restore-InfluxBackup $set @node -Database plant -RetentionPolicy autogen -NewDatabase renamed -NewRetentionPolicy forever
        $result.Shards.RetentionPolicy | Sort-Object -Unique | Should -Be 'forever'
        (Invoke-Influx $server 'SELECT count(value) FROM "forever".temperature' renamed).count | Should -Be 3000
    }

    It 'restores one shard' {
        $shard = Get-InfluxShard -Path $set -Database plant -RetentionPolicy autogen | Select-Object -First 1
        $result = Restore-InfluxBackup $set @node -ShardId $shard.ShardId -NewDatabase single
        $result.ShardCount | Should -Be 1
        $result.Shards.SourceShardId | Should -Be $shard.ShardId
        (Invoke-Influx $server 'SELECT count(value) FROM temperature' single).count | Should -Be 1000
    }

    It 'restores names that need quotes' {
        $null = Restore-InfluxBackup $set @node -Database "it's odd" -NewDatabase 'still "odd"'
        (Invoke-Influx $server 'SELECT * FROM "température"' 'still "odd"').text | Should -Be 'Zeile 1'
    }

    Context 'with -WhatIf' {
        It 'writes the plan and nothing else' {
            $plan = Restore-InfluxBackup $set @node -Database plant -NewDatabase never -WhatIf
            $plan.GetType().FullName | Should -Be 'InfluxBackup.Operations.RestorePlan'
            $plan.Shards.Count | Should -Be 4
            $plan.Conflicts.Count | Should -Be 0
            $plan | Out-String | Should -BeLike "*'never' with 4 shards*five-years*"
            (Invoke-Influx $server 'SHOW DATABASES').name | Should -Not -Contain 'never'
        }

        It 'can be kept as JSON, and has no hash of a password in it' {
            $json = Restore-InfluxBackup $set @node -Database plant -NewDatabase never -WhatIf | ConvertTo-Json -Depth 8 -WarningAction SilentlyContinue
            $json | Should -BeLike '*never*plant*'
            $json | Should -Not -Match '\$2a\$'
            $backupPlan | Should -BeLike '*plant*'
            $backupPlan | Should -Not -Match '\$2a\$'
        }

        It 'shows what stands against it' {
            $plan = Restore-InfluxBackup $set @node -WhatIf -ErrorVariable conflicts -ErrorAction SilentlyContinue
            $plan.Conflicts.Id | Sort-Object -Unique | Should -Be 'DatabaseExists'
            $conflicts.Count | Should -Be 2
        }
    }

    Context 'when it can not be done' {
        It 'never touches a database that is there' {
            $before = (Invoke-Influx $server 'SELECT count(value) FROM temperature' plant).count
            $record = { Restore-InfluxBackup $set @node -Database plant } | Should -Throw -PassThru
            $record.FullyQualifiedErrorId | Should -BeLike 'DatabaseExists,*'
            "$($record.CategoryInfo.Category)" | Should -Be 'ResourceExists'
            $record.ErrorDetails.RecommendedAction | Should -BeLike '*-NewDatabase*'
            (Invoke-Influx $server 'SELECT count(value) FROM temperature' plant).count | Should -Be $before
        }

        It 'says <Id>' -ForEach @(
            @{ Id = 'DatabaseNotFound'; Wrong = @{ Database = 'nope'; NewDatabase = 'x' } }
            @{ Id = 'DatabaseRequired'; Wrong = @{ NewDatabase = 'x' } }
            @{ Id = 'BackupNotFound'; Wrong = @{ Timestamp = '20000101T000000Z' } }
            @{ Id = 'NameInvalid'; Wrong = @{ Database = 'plant'; NewDatabase = 'a/b' } }
        ) {
            { Restore-InfluxBackup $set @node @Wrong } | Should -Throw -ErrorId "$Id,*"
        }

        It 'says that there is no set' {
            { Restore-InfluxBackup (Join-Path $TestDrive 'nowhere') @node } | Should -Throw -ErrorId 'BackupSetNotFound,*'
        }

        It 'says that there is no backup in a directory' {
            $empty = New-Item -ItemType Directory -Path (Join-Path $TestDrive 'empty')
            { Restore-InfluxBackup $empty @node } | Should -Throw -ErrorId 'NoBackup,*'
        }

        It 'does not take the newest backup for one that was not kept' {
            $failed = [pscustomobject]@{ Path = $set; Timestamp = $null }
            $errors = @()
            $failed | Restore-InfluxBackup @node -Database plant -NewDatabase wrong -ErrorVariable errors -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $errors.Count | Should -BeGreaterThan 0
            (Invoke-Influx $server 'SHOW DATABASES').name | Should -Not -Contain 'wrong'
        }

        It 'refuses damaged archives before it touches the server' {
            $damaged = Join-Path $PSScriptRoot '..' 'Data' 'hostile' 'gzip-truncated'
            $record = { Restore-InfluxBackup $damaged @node -NewDatabase broken -Database golden } | Should -Throw -PassThru
            "$($record.CategoryInfo.Category)" | Should -Be 'InvalidData'
            (Invoke-Influx $server 'SHOW DATABASES').name | Should -Not -Contain 'broken'
        }

        It 'restores what is sound of them when it is told to' {
            $damaged = Join-Path $PSScriptRoot '..' 'Data' 'hostile' 'gzip-truncated'
            $result = Restore-InfluxBackup $damaged @node -NewDatabase half -Database golden -AllowPartial -ErrorVariable shardErrors -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
            "$($result.Outcome)" | Should -Be 'Partial'
            $result.FailedShardCount | Should -Be 1
            $shardErrors.Count | Should -Be 1
            $shardErrors[0].TargetObject.ShardId | Should -Be 16
        }
    }
}

Describe 'Restore-InfluxBackup to a server with a login' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'source')
        Add-SampleData $server
        $set = Join-Path $TestDrive 'login set'
        $null = Backup-InfluxCluster -DataNode $server.DataNode -Path $set
        $target = Start-InfluxServer (Join-Path $TestDrive 'target') -Authentication
        # The first user may be made without a login.
        Invoke-Influx $target 'CREATE USER "admin" WITH PASSWORD ''right'' WITH ALL PRIVILEGES'
        $restore = @{ Path = $set; DataNode = $target.DataNode; HttpUri = $target.HttpUri; Database = 'plant'; WarningAction = 'SilentlyContinue' }

        function New-Credential([string] $Password) {
            [pscredential]::new('admin', (ConvertTo-SecureString $Password -AsPlainText -Force))
        }
    }

    AfterAll {
        Stop-InfluxServer $server
        Stop-InfluxServer $target
    }

    It 'logs in' {
        $result = Restore-InfluxBackup @restore -NewDatabase one -Credential (New-Credential 'right')
        "$($result.Outcome)" | Should -Be 'Complete'
        $result.Objects.Where({ $_.Kind -eq 'ContinuousQuery' }).IsRestored | Should -BeTrue
    }

    It 'says that a login is refused, and shows no password' {
        $said = [System.Collections.Generic.List[object]]::new()
        $record = { Restore-InfluxBackup @restore -NewDatabase two -Credential (New-Credential 'wr0ng-secret') -Verbose -Debug *>&1 | ForEach-Object { $said.Add($_) } } |
            Should -Throw -PassThru
        "$($record.CategoryInfo.Category)" | Should -Be 'AuthenticationError'
        $said, $record | Format-List * -Force | Out-String | Should -Not -Match 'wr0ng-secret'
        (Get-InfluxShard -DataNode $target.DataNode).Database | Should -Not -Contain 'two'
    }
}

Describe 'A restore of a shard with pending deletes' -Skip:$hasNoEmulator {
    BeforeAll {
        $emulated = Start-EmulatedNode (Join-Path $TestDrive 'emulated')
        $restore = @{ Path = Join-Path $TestDrive 'set with deletes'; DataNode = $emulated.Address; Database = 'demo'; NewDatabase = 'without' }
        $null = Backup-InfluxCluster -Path $restore.Path -DataNode $restore.DataNode -WarningAction SilentlyContinue
    }

    AfterAll {
        Stop-EmulatedNode $emulated
    }

    It 'says beforehand how many there are' {
        $plan = Restore-InfluxBackup @restore -WhatIf
        $plan.PendingDeletes | Should -BeGreaterThan 0
        $plan | Out-String | Should -BeLike "*$($plan.PendingDeletes) pending deletes applied*Deletes*"
        $plan.Shards.Where({ $_.PendingDeletes }).SourceShardId | Should -Be 1
        $plan.Conflicts | Should -BeNullOrEmpty
    }

    It 'applies them and says so' {
        $expected = (Restore-InfluxBackup @restore -WhatIf).PendingDeletes
        $result = Restore-InfluxBackup @restore
        "$($result.Outcome)" | Should -Be 'Complete'
        $result.DeletesApplied | Should -Be $expected
        $result | Format-List | Out-String | Should -BeLike "*DeletesApplied : $expected*"
    }
}

Describe 'A restore to a cluster' -Skip:$hasNoEmulator {
    BeforeAll {
        $source = Start-EmulatedCluster (Join-Path $TestDrive 'source cluster')
        $target = Start-EmulatedCluster (Join-Path $TestDrive 'target cluster') -DataNodes 2
        $set = Join-Path $TestDrive 'set of a cluster'
        $null = Backup-InfluxCluster -Path $set -MetaNode $source.MetaNodes.Address -WarningAction SilentlyContinue
        $cluster = @{ Path = $set; MetaNode = $target.MetaNodes.Address; Database = 'metrics'; WarningAction = 'SilentlyContinue' }
    }

    AfterAll {
        Stop-EmulatedCluster $source
        Stop-EmulatedCluster $target
    }

    It 'brings a database to every owner, with its users and queries' {
        $result = Restore-InfluxBackup @cluster -NewDatabase whole -IncludeMetadata
        "$($result.Outcome)" | Should -Be 'Complete'
        $result.DataNode | Should -BeNullOrEmpty
        $result.MetaNode | Should -Be ($target.MetaNodes.Address -join ', ')
        $result.Shards.Owners.Where({ -not $_.IsComplete }) | Should -BeNullOrEmpty
        $result.Objects.Where({ $_.Kind -eq 'ContinuousQuery' }).IsRestored | Should -BeTrue
        $result | Format-List | Out-String | Should -BeLike '*MetaNode*Restored*ContinuousQuery cpu_1d*'
        $result | Out-String | Should -Not -Match '\$2a\$'
    }

    It 'lowers a replication that the cluster can not have, and warns' {
        $result = Restore-InfluxBackup @cluster -NewDatabase lowered -NewReplicationFactor 7 -WarningVariable warned
        "$($result.Outcome)" | Should -Be 'Complete'
        $result.Shards[0].Owners.Count | Should -Be 2
        $warned | Should -BeLike '*7 copies*2 data nodes*'
    }

    It 'takes a duration as <Duration>' -ForEach @(
        @{ Duration = 'INF'; Nanoseconds = 0 }
        @{ Duration = '52w'; Nanoseconds = 52 * 7 * 86400000000000 }
        @{ Duration = [timespan]::FromDays(400); Nanoseconds = 400 * 86400000000000 }
    ) {
        $plan = Restore-InfluxBackup @cluster -NewDatabase durable -NewDuration $Duration -WhatIf
        $plan.Metadata.Databases[0].RetentionPolicies[0].Duration | Should -Be $Nanoseconds
    }

    It 'does not take a bare number for a duration' {
        { Restore-InfluxBackup @cluster -NewDatabase durable -NewDuration 30 } | Should -Throw -ExpectedMessage '*not the duration of a retention policy*'
    }

    It 'finishes what is incomplete with Resume' {
        $down = $target.DataNodes[1]
        $null = $down.KillAsync().GetAwaiter().GetResult()
        { Restore-InfluxBackup @cluster -NewDatabase resumed } | Should -Throw -ErrorId 'DataNodeDown*'
        $partial = Restore-InfluxBackup @cluster -NewDatabase resumed -AllowPartial -ErrorAction SilentlyContinue
        "$($partial.Outcome)" | Should -Be 'Partial'
        $null = $down.RestartAsync().GetAwaiter().GetResult()
        { Restore-InfluxBackup @cluster -NewDatabase resumed } | Should -Throw -ErrorId 'DatabaseExists*'
        "$((Restore-InfluxBackup @cluster -NewDatabase resumed -Resume).Outcome)" | Should -Be 'Complete'
        $again = Restore-InfluxBackup @cluster -NewDatabase resumed -Resume
        $again.Shards.Where({ -not $_.WasThere }) | Should -BeNullOrEmpty
        $again | Format-List | Out-String | Should -BeLike '*ThereAlready*'
    }

    It 'takes a manifest for the backup that it names' {
        $manifest = (Get-InfluxBackupManifest $set)[0].ManifestPath
        $plan = Get-Item $manifest | Restore-InfluxBackup -MetaNode $cluster.MetaNode -Database metrics -NewDatabase named -WhatIf -WarningAction SilentlyContinue
        $plan.Timestamp | Should -Be (Split-Path -LeafBase $manifest)
    }

    It 'lists what there is without a server' {
        $shards = Restore-InfluxBackup $set -List -Database metrics
        $shards[0].GetType().FullName | Should -Be 'InfluxBackup.Operations.ShardInfo'
        $shards.Database | Sort-Object -Unique | Should -Be 'metrics'
        { Restore-InfluxBackup $set -List -NewDatabase x } | Should -Throw -ErrorId 'AmbiguousParameterSet*'
    }
}
