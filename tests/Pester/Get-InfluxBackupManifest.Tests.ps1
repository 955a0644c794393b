param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeAll {
    Import-Module $ModulePath
    $data = (Resolve-Path (Join-Path $PSScriptRoot '..' 'Data')).ProviderPath
    $golden = Join-Path $data '1.6.7-tsi1' 'portable'
}

Describe 'Get-InfluxBackupManifest' {
    It 'reads what influxd wrote' {
        $backup = Get-InfluxBackupManifest $golden
        $backup.GetType().FullName | Should -Be 'InfluxBackup.Operations.BackupInfo'
        $backup.Timestamp | Should -Be '20261120T181325Z'
        $backup.Created | Should -Be ([datetime]::new(2026, 11, 20, 18, 13, 25, [System.DateTimeKind]::Utc))
        $backup.ShardCount | Should -Be 22
        $backup.Outcome | Should -BeNullOrEmpty
        $backup.Databases | Should -Contain 'golden'
    }

    It 'takes wildcards' {
        (Get-InfluxBackupManifest (Join-Path $data '1.*' 'portable*')).Count | Should -Be 6
    }

    It 'takes several paths, also from the pipeline' {
        $other = Join-Path $data '1.6.7-inmem' 'portable'
        (Get-InfluxBackupManifest $golden, $other).Count | Should -Be 2
        ($golden, $other | Get-InfluxBackupManifest).Count | Should -Be 2
        (Get-Item $golden, $other | Get-InfluxBackupManifest).Count | Should -Be 2
        (Get-InfluxBackupManifest $golden | Get-InfluxBackupManifest).Timestamp | Should -Be '20261120T181325Z'
    }

    It 'takes a literal path' {
        $set = Join-Path $TestDrive 'set[1]'
        $null = [System.IO.Directory]::CreateDirectory($set)
        Get-ChildItem -LiteralPath $golden | ForEach-Object { [System.IO.File]::Copy($_.FullName, (Join-Path $set $_.Name), $true) }
        (Get-InfluxBackupManifest -LiteralPath $set).ShardCount | Should -Be 22
        (Get-InfluxBackupManifest -Path $set | Get-InfluxBackupManifest).ShardCount | Should -Be 22
    }

    It 'gives the newest only when asked' {
        $set = Join-Path $TestDrive 'several'
        $null = New-Item -ItemType Directory $set
        Copy-Item (Join-Path $golden '*') $set
        foreach ($name in '20200101T000000Z', '20300101T000000Z') {
            (Get-Content -Raw (Join-Path $set '20261120T181325Z.manifest')) | Set-Content (Join-Path $set "$name.manifest")
        }
        (Get-InfluxBackupManifest $set).Timestamp | Should -Be '20300101T000000Z', '20261120T181325Z', '20200101T000000Z'
        (Get-InfluxBackupManifest $set -Latest).Timestamp | Should -Be '20300101T000000Z'
        (Get-InfluxBackupManifest $set -Timestamp '20200101T000000Z', '20261120T181325Z').Count | Should -Be 2
    }

    It 'counts only the database that is asked for' {
        $backup = Get-InfluxBackupManifest $golden -Database golden
        $backup.Databases | Should -Be 'golden'
        $backup.ShardCount | Should -BeLessThan 22
    }

    It 'says <Id>' -ForEach @(
        @{ Id = 'BackupSetNotFound'; Wrong = @{ Path = 'nowhere' } }
        @{ Id = 'PathNotFound'; Wrong = @{ Path = 'nowhere*' } }
        @{ Id = 'BackupNotFound'; Wrong = @{ Path = 'sets/golden'; Timestamp = 'never' } }
        @{ Id = 'DatabaseNotFound'; Wrong = @{ Path = 'sets/golden'; Database = 'nope' } }
        @{ Id = 'PathNotFileSystem'; Wrong = @{ Path = 'Env:\PATH' } }
    ) {
        $null = New-Item -ItemType Directory -Force (Join-Path $TestDrive 'sets')
        Copy-Item -Recurse -Force $golden (Join-Path $TestDrive 'sets' 'golden')
        Push-Location $TestDrive
        try {
            { Get-InfluxBackupManifest @Wrong -ErrorAction Stop } | Should -Throw -ErrorId "$Id,*"
        }
        finally {
            Pop-Location
        }
    }

    It 'goes on after a set that is damaged' {
        $sets = (Join-Path $data 'hostile' 'manifest-cut'), $golden
        $found = Get-InfluxBackupManifest $sets -ErrorVariable problems -ErrorAction SilentlyContinue
        @($found).Count | Should -Be 1
        $problems.Count | Should -Be 1
        $problems[0].CategoryInfo.Category | Should -Be 'InvalidData'
        $problems[0].TargetObject | Should -BeLike '*manifest-cut*'
    }
}

Describe 'Get-InfluxShard of a set' {
    It 'lists the shards of a backup' {
        $shards = Get-InfluxShard $golden
        $shards.Count | Should -Be 22
        $shards[0].GetType().FullName | Should -Be 'InfluxBackup.Operations.ShardInfo'
        $shards.IsPresent | Sort-Object -Unique | Should -BeTrue
        $shards.Where({ $_.StoredSize -le 0 }) | Should -BeNullOrEmpty
    }

    It 'takes a backup from the pipeline' {
        (Get-InfluxBackupManifest $golden | Get-InfluxShard -Database golden).Database | Sort-Object -Unique | Should -Be 'golden'
    }

    It 'chooses by time' {
        $all = Get-InfluxShard -Path $golden -Database golden
        $some = Get-InfluxShard -Path $golden -Database golden -Start '2017-07-12T00:00:00Z' -End '2017-07-13T00:00:00Z'
        $some.Count | Should -BeLessThan $all.Count
        foreach ($shard in $some) {
            $shard.EndTime | Should -BeGreaterThan ([datetime]::new(2017, 7, 12))
        }
    }

    It 'wants either a server or a set' {
        { Get-InfluxShard -Path $golden -DataNode localhost } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
    }
}
