param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $hasNoServer = -not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
}

Describe 'Restore-InfluxBackup -Merge' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'server')
        Add-SampleData $server
        $node = @{ DataNode = $server.DataNode; HttpUri = $server.HttpUri }
        $set = Join-Path $TestDrive 'set'
        $null = Backup-InfluxCluster -DataNode $server.DataNode -Path $set
        $before = Invoke-Influx $server 'SELECT * FROM temperature' plant | ConvertTo-Csv
        $before.Count | Should -BeGreaterThan 1
    }

    AfterAll {
        Stop-InfluxServer $server
    }

    It 'shows the way of each shard with -WhatIf, and changes nothing' {
        Invoke-Influx $server 'DROP MEASUREMENT temperature' plant
        $plan = Restore-InfluxBackup $set @node -Database plant -Merge -WhatIf
        $plan.GetType().FullName | Should -Be 'InfluxBackup.Operations.MergePlan'
        $plan.Conflicts | Should -BeNullOrEmpty
        "$($plan.Shards[0].Way)" | Should -Be 'WholeFiles'
        $plan | Out-String | Should -BeLike '*WholeFiles*'
        Invoke-Influx $server 'SELECT * FROM temperature' plant | Should -BeNullOrEmpty
    }

    It 'brings lost points back into the database that is there' {
        $result = Restore-InfluxBackup $set @node -Database plant -Merge
        $result.GetType().FullName | Should -Be 'InfluxBackup.Operations.MergeResult'
        "$($result.Outcome) $($result.Prefer)" | Should -Be 'Complete Existing'
        $result | Format-List | Out-String | Should -BeLike '*Prefer*Existing*'
        $result.Shards | Out-String | Should -BeLike '*plant*'
        Invoke-Influx $server 'SELECT * FROM temperature' plant | ConvertTo-Csv | Should -Be $before
    }

    It 'has the backup win where that is preferred' {
        (Restore-InfluxBackup $set @node -Database plant -Merge -Prefer Backup).Prefer | Should -Be 'Backup'
        Invoke-Influx $server 'SELECT * FROM temperature' plant | ConvertTo-Csv | Should -Be $before
    }

    It 'needs the HTTP API' {
        { Restore-InfluxBackup $set -DataNode $server.DataNode -Database plant -Merge } | Should -Throw -ErrorId 'HttpRequired,*'
    }

    It 'takes -Prefer only with -Merge' {
        { Restore-InfluxBackup $set @node -Database plant -NewDatabase copy -Prefer Backup } | Should -Throw -ErrorId 'PreferWithoutMerge,*'
    }
}
