param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
    $hasNoEmulator = -not (Test-EmulatorBuilt)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
}

Describe 'Backup-InfluxCluster of a cluster' -Skip:$hasNoEmulator {
    BeforeAll {
        $cluster = Start-EmulatedCluster (Join-Path $TestDrive 'cluster')
        $meta = @{ MetaNode = $cluster.MetaNodes.Address }
        $shards = @(Get-InfluxShard @meta).Count

        function New-SetPath { Join-Path $TestDrive ([System.IO.Path]::GetRandomFileName()) }
    }

    AfterAll {
        Stop-EmulatedCluster $cluster
    }

    It 'takes everything first, and then only what changed' {
        $set = New-SetPath
        $first = Backup-InfluxCluster @meta -Path $set
        "$($first.Outcome)" | Should -Be 'Complete'
        $first.ShardCount | Should -Be $shards
        "$($first.Strategy)" | Should -Be 'Incremental'
        $first.DataNode | Should -BeNullOrEmpty

        $second = Backup-InfluxCluster @meta -Path $set
        $second.ShardCount | Should -Be 0
        $second.UnchangedShardCount | Should -Be $shards
        $second | Out-String | Should -BeLike "*0, $shards unchanged*"
        Test-InfluxBackup -Path $set -Quiet | Should -BeTrue
        (Get-InfluxBackupManifest -Path $set -Latest).Strategy | Should -Be 'Incremental'
        Get-InfluxBackupManifest -Path $set | Out-String -Width 200 | Should -BeLike '*changes*full*'
    }

    It 'takes everything with the strategy Full, and no shard with MetadataOnly' {
        $set = New-SetPath
        (Backup-InfluxCluster @meta -Path $set -Strategy Full).ShardCount | Should -Be $shards
        (Backup-InfluxCluster @meta -Path $set -Strategy Full).ShardCount | Should -Be $shards
        $metadata = Backup-InfluxCluster @meta -Path $set -Strategy MetadataOnly
        $metadata.ManifestPath | Should -Exist
        $metadata.Shards | Should -BeNullOrEmpty
        Get-InfluxBackupManifest -Path $set -Latest | Format-Table | Out-String -Width 200 | Should -BeLike '*metadata*'
    }

    It 'shows with -WhatIf and -Estimate what would be taken from where, and takes nothing' {
        $set = New-SetPath
        $plan = Backup-InfluxCluster @meta -Path $set -WhatIf
        $plan.Shards.Count | Should -Be $shards
        $plan.Shards.DataNode | Sort-Object -Unique | ForEach-Object { $_ | Should -BeIn $cluster.DataNodes.Address }
        $plan.EstimatedDuration | Should -BeNullOrEmpty

        $estimate = Backup-InfluxCluster @meta -Path $set -Estimate
        $estimate.ExpectedBytes | Should -BeGreaterThan 0
        $estimate.EstimatedDuration | Should -BeOfType ([timespan])
        "$estimate" | Should -BeLike '* in about 0:00:*'
        $set | Should -Not -Exist
    }

    It 'prefers the nodes of -From, and takes all owners with -AllOwners' {
        $node = $cluster.DataNodes[2].Address
        $result = Backup-InfluxCluster @meta -Path (New-SetPath) -From $node -Database inventory
        $files = (Get-Content -Raw $result.ManifestPath | ConvertFrom-Json).files
        $files.owners.Where{ $_.isSource }.dataNode | Sort-Object -Unique | Should -Be $node

        $all = Backup-InfluxCluster @meta -Path (New-SetPath) -AllOwners -Database inventory -WarningVariable warnings -WarningAction SilentlyContinue
        "$($all.Outcome)" | Should -Be 'Complete'
        "$warnings" | Should -BeLike '*The owners of * differed*'
    }

    It 'refuses what is for the other kind' {
        { Backup-InfluxCluster @meta -Path (New-SetPath) -From 127.0.0.1:1 } | Should -Throw -ErrorId 'DataNodeNotFound,*'
        { Backup-InfluxCluster @meta -Path (New-SetPath) -Since 2026-01-01 } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
        { Backup-InfluxCluster -DataNode $cluster.DataNodes[0].Address -Path (New-SetPath) -AllOwners } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
        { Backup-InfluxCluster -DataNode $cluster.DataNodes[0].Address -Path (New-SetPath) -Strategy Incremental } | Should -Throw -ErrorId 'StrategyUnsupported,*'
    }

    It 'uses the other owners of a node that is down, and says so' {
        $other = Start-EmulatedCluster (Join-Path $TestDrive 'other')
        try {
            $other.DataNodes[0].KillAsync().GetAwaiter().GetResult()
            $result = Backup-InfluxCluster -MetaNode $other.MetaNodes.Address -Path (New-SetPath) -Database metrics -WarningVariable warnings -WarningAction SilentlyContinue
            "$($result.Outcome)" | Should -Be 'Complete'
            "$warnings" | Should -BeLike "*$($other.DataNodes[0].Address)*"
        }
        finally {
            Stop-EmulatedCluster $other
        }
    }
}
