param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $hostile = Join-Path $PSScriptRoot '..' 'Data' 'hostile'
    # Sound, or odd without loss: the list in the directory's README.
    $sound = 'manifest-null-files', 'manifest-future-fields', 'tar-duplicate-entry', 'tar-tombstone-alone'
    $sets = Get-ChildItem $hostile -Directory | Where-Object { Test-Path (Join-Path $_ '*.manifest') }
    $soundSets = $sets | Where-Object Name -in $sound | ForEach-Object { @{ Name = $_.Name; Path = $_.FullName } }
    # An odd wrapper of the metadata may be read or refused.
    $damagedSets = $sets | Where-Object Name -notin ($sound + 'meta-raw') | ForEach-Object { @{ Name = $_.Name; Path = $_.FullName } }
}

BeforeAll {
    Import-Module $ModulePath
    $data = (Resolve-Path (Join-Path $PSScriptRoot '..' 'Data')).ProviderPath
    $golden = Join-Path $data '1.6.7-tsi1' 'portable'
    $damaged = Join-Path $data 'hostile' 'gzip-truncated'
}

Describe 'Test-InfluxBackup' {
    It 'finds a sound backup sound' {
        $result = Test-InfluxBackup $golden
        $result.GetType().FullName | Should -Be 'InfluxBackup.Operations.TestResult'
        $result.IsSound | Should -BeTrue
        $result.ShardCount | Should -Be 22
        $result.Findings | Where-Object Severity -eq 'Error' | Should -BeNullOrEmpty
    }

    It 'tests only what is asked for' {
        (Test-InfluxBackup $golden -Database golden).ShardCount | Should -BeLessThan 22
        (Test-InfluxBackup $golden -ShardId 8).ShardCount | Should -Be 1
        (Test-InfluxBackup $damaged -ShardId 8).IsSound | Should -BeTrue
    }

    It 'takes sets from the pipeline' {
        (Get-InfluxBackupManifest (Join-Path $data '1.*' 'portable') | Test-InfluxBackup).Count | Should -Be 3
        (Get-Item (Join-Path $data '1.*' 'portable') | Test-InfluxBackup -ThrottleLimit 1).Count | Should -Be 3
    }

    It 'names the file and the shard of what it finds' {
        $result = Test-InfluxBackup $damaged
        "$($result.Outcome)" | Should -Be 'Partial'
        $finding = $result.Findings | Where-Object Severity -eq 'Error'
        $finding.ShardId | Should -Be 16
        $finding.File | Should -BeLike '*.tar.gz'
        $finding | Out-String | Should -BeLike '*Error*16*'
    }

    It 'names series, field and times of what it finds' {
        $finding = (Test-InfluxBackup (Join-Path $data 'hostile' 'tsm-bitflip-value')).Findings | Where-Object Severity -eq 'Error'
        $finding.Check | Should -Be 'TsmBlockChecksum'
        $finding.Entry | Should -Be '000000001-000000001.tsm'
        $finding.Offset | Should -Be 10281
        $finding.Series | Should -Be 'b5000'
        $finding.Field | Should -Be 'i'
        $finding.StartTime.Ticks | Should -Be ([datetime]::UnixEpoch.Ticks - 15000)
        $finding.EndTime.Ticks | Should -Be ([datetime]::UnixEpoch.Ticks - 5010)
        $text = $finding | Format-List | Out-String
        $text | Should -BeLike '*Series*: b5000*StartTime*: 1969-12-31T23:59:59.9985000Z*'
    }

    It 'can be quick' {
        $result = Test-InfluxBackup $golden -Quick
        $result.IsSound | Should -BeTrue
        $result.DeepShardCount | Should -Be 0
        $result.Bytes | Should -Be (Test-InfluxBackup $golden).Bytes
        (Test-InfluxBackup $damaged -Quick).IsSound | Should -BeFalse
    }

    It 'reads a share of the shards, and all shares together are everything' {
        $counts = 1..3 | ForEach-Object { Test-InfluxBackup $golden -ReadDataSubset "$_/3" }
        $counts.ShardCount | Sort-Object -Unique | Should -Be 22
        ($counts.DeepShardCount | Measure-Object -Sum).Sum | Should -Be 22
        (Test-InfluxBackup $golden -ReadDataSubset 10%).DeepShardCount | Should -Be 3
    }

    It 'says what a share is' {
        $record = { Test-InfluxBackup $golden -ReadDataSubset 31/30 } | Should -Throw -PassThru
        $record.FullyQualifiedErrorId | Should -BeLike 'DataSubsetInvalid,*'
    }

    It 'finds fault with <Name>' -ForEach $damagedSets {
        $result = Test-InfluxBackup $Path
        "$($result.Outcome)" | Should -Not -Be 'Complete'
        $result.Findings.Where({ $_.Severity -eq 'Error' }) | Should -Not -BeNullOrEmpty
    }

    It 'finds no fault with <Name>' -ForEach $soundSets {
        (Test-InfluxBackup $Path).IsSound | Should -BeTrue
    }

    It 'does not hang or write on any hostile set' {
        $before = (Get-ChildItem (Join-Path $data 'hostile') -Recurse).Count
        $null = Test-InfluxBackup (Join-Path $data 'hostile' '*') -ErrorAction SilentlyContinue
        (Get-ChildItem (Join-Path $data 'hostile') -Recurse).Count | Should -Be $before
    }
}

Describe 'Test-InfluxBackup -Quiet' {
    It 'answers true for sound sets, once' {
        Test-InfluxBackup $golden -Quiet | Should -Be $true
        @(Test-InfluxBackup (Join-Path $data '1.*' 'portable*') -Quiet).Count | Should -Be 1
    }

    It 'answers false if any is damaged' {
        $answer = $golden, $damaged | Test-InfluxBackup -Quiet
        $answer | Should -BeOfType [bool]
        $answer | Should -BeFalse
    }

    It 'answers false, with an error, if there is no set' {
        $answer = Test-InfluxBackup (Join-Path $TestDrive 'nowhere') -Quiet -ErrorVariable problems -ErrorAction SilentlyContinue
        $answer | Should -BeFalse
        $problems[0].FullyQualifiedErrorId | Should -BeLike 'BackupSetNotFound,*'
    }
}
