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
