param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $hasNoServer = -not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
    $golden = (Resolve-Path (Join-Path $PSScriptRoot '..' 'Data' '1.6.7-inmem' 'portable')).ProviderPath
    $all = @{ WarningAction = 'SilentlyContinue'; ErrorAction = 'SilentlyContinue' }

    function New-OutputPath([string] $Ending = '.lp') {
        Join-Path $TestDrive ([guid]::NewGuid().ToString('n') + $Ending)
    }

    function Get-PointLine([string[]] $Path) {
        @(Get-Content -LiteralPath $Path).Where({ $_ -notmatch '^(#|CREATE )' })
    }
}

Describe 'Export-InfluxLineProtocol of a backup' {
    It 'writes a file and says what is in it' {
        $path = New-OutputPath
        $file = Export-InfluxLineProtocol $golden $path -Database golden
        $file.GetType().FullName | Should -Be 'InfluxBackup.Operations.ExportedFile'
        $file.Path | Should -Be $path
        $file.Sha256 | Should -Be (Get-FileHash $path).Hash
        $file.Bytes | Should -Be (Get-Item $path).Length
        (Get-PointLine $path).Count | Should -BeGreaterThan 1000
        $file | Format-Table | Out-String -Width 300 | Should -BeLike "*Lines*Points*Series*Size*First*Last*Path*KB*1677-09-21*2262-04-11*$path*"
    }

    It 'writes an error for each series that can not be imported' {
        $file = Export-InfluxLineProtocol $golden (New-OutputPath) -ErrorVariable leftOut -ErrorAction SilentlyContinue -WarningVariable warned
        $file.Points | Should -BeGreaterThan 8000
        $leftOut.Count | Should -Be 2
        $leftOut[0].FullyQualifiedErrorId | Should -BeLike 'SeriesNotWritable,*'
        $leftOut.TargetObject.Series | Should -Contain '#hash,t=x'
        $warned | Should -BeNullOrEmpty -Because 'nobody wants to read of the same twice'
    }

    It 'shows the plan with -WhatIf and writes nothing' {
        $path = New-OutputPath
        $plan = Export-InfluxLineProtocol $golden $path -Database golden -RetentionPolicy rp_1h -WhatIf
        $plan.GetType().FullName | Should -Be 'InfluxBackup.Operations.ExportPlan'
        $plan.Shards.Id | Should -Be 17, 19, 20
        $plan | Out-String | Should -BeLike '*3 shards of backup 20261120T181322Z*rp_1h*17*'
        $path | Should -Not -Exist
    }

    It 'takes a backup from the pipeline: <What>' -ForEach @(
        @{ What = 'a manifest'; Source = { Get-InfluxBackupManifest $golden } }
        @{ What = 'a directory'; Source = { Get-Item $golden } }
    ) {
        (& $Source | Export-InfluxLineProtocol -Output (New-OutputPath) -Database golden).Lines | Should -BeGreaterThan 1000
    }

    It 'chooses by <Name>' -ForEach @(
        @{ Name = 'shard'; Lines = 6; With = @{ ShardId = 17 } }
        @{ Name = 'measurement and tag'; Lines = 6; With = @{ Measurement = 'ho?rs'; Tag = @{ h = '0*' ; none = '' }; ShardId = 17 } }
        @{ Name = 'a tag that nothing has'; Lines = 0; With = @{ Tag = @{ nothing = 'x', 'y' } } }
    ) {
        $path = New-OutputPath
        (Export-InfluxLineProtocol $golden $path @With @all).Lines | Should -Be $Lines
        (Get-PointLine $path).Count | Should -Be $Lines
    }

    It 'takes the same times in every form' {
        $counts = foreach ($with in @(
                @{ Start = '2017-07-14T02:40:00Z'; End = '2017-07-14T12:40:00Z' }
                @{ Start = 1500000000000000000; End = 1500036000000000000 }
                @{ Start = [datetime]::new(2017, 7, 14, 2, 40, 0, [System.DateTimeKind]::Utc); End = [datetimeoffset]::new(2017, 7, 14, 14, 40, 0, '02:00:00') })) {
            (Export-InfluxLineProtocol $golden (New-OutputPath) @with @all).Lines
        }
        $counts | Sort-Object -Unique | Should -HaveCount 1
        $counts[0] | Should -BeGreaterThan 10
    }

    It 'splits by <Name>, and the files together are the one file' -ForEach @(
        @{ Name = 'day'; Split = @{ SplitBy = 'Day' } }, @{ Name = 'shard'; Split = @{ SplitBy = 'Shard' } }, @{ Name = 'policy'; Split = @{ SplitBy = 'RetentionPolicy' } }, @{ Name = 'size'; Split = @{ MaxFileSize = 16KB } }
    ) {
        $one = New-OutputPath
        $null = Export-InfluxLineProtocol $golden $one @all
        $files = @(Export-InfluxLineProtocol $golden (New-OutputPath '') @Split @all)
        $files.Count | Should -BeGreaterThan 2
        Compare-Object (Get-PointLine $one) (Get-PointLine $files.Path) | Should -BeNullOrEmpty
    }

    It 'compresses when the name or a parameter says so' {
        $plain = New-OutputPath
        $null = Export-InfluxLineProtocol $golden $plain -Database golden
        foreach ($with in @(@{ Output = New-OutputPath '.lp.gz' }, @{ Output = New-OutputPath; Compress = $true }, @{ Output = New-OutputPath; CompressionLevel = 'SmallestSize' })) {
            $file = Export-InfluxLineProtocol $golden -Database golden @with
            $unpacked = New-OutputPath
            $from = [System.IO.Compression.GZipStream]::new([System.IO.File]::OpenRead($file.Path), [System.IO.Compression.CompressionMode]::Decompress)
            $to = [System.IO.File]::Create($unpacked)
            try { $from.CopyTo($to) } finally { $from.Dispose(); $to.Dispose() }
            (Get-FileHash $unpacked).Hash | Should -Be (Get-FileHash $plain).Hash
        }
    }

    It 'replaces a file only with -Force' {
        $path = New-OutputPath
        Set-Content $path 'precious'
        $record = { Export-InfluxLineProtocol $golden $path -Database golden } | Should -Throw -PassThru
        $record.FullyQualifiedErrorId | Should -BeLike 'OutputExists,*'
        "$($record.CategoryInfo.Category)" | Should -Be 'ResourceExists'
        Get-Content $path | Should -Be 'precious'
        (Export-InfluxLineProtocol $golden $path -Database golden -Force).Lines | Should -BeGreaterThan 1000
    }

    It 'resolves paths as PowerShell does' {
        $null = New-PSDrive -Name exports -PSProvider FileSystem -Root $TestDrive
        Push-Location $TestDrive
        try {
            (Export-InfluxLineProtocol $golden 'exports:/drive.lp' -ShardId 17).Path | Should -Be (Join-Path $TestDrive 'drive.lp')
            (Export-InfluxLineProtocol $golden './a[1].lp' -ShardId 17).Path | Should -Be (Join-Path $TestDrive 'a[1].lp')
        }
        finally {
            Pop-Location
            Remove-PSDrive exports
        }
        { Export-InfluxLineProtocol $golden 'Env:/x' } | Should -Throw -ErrorId 'PathNotFileSystem,*'
    }

    It 'says <Id>' -ForEach @(
        @{ Id = 'DatabaseNotFound'; Wrong = @{ Database = 'nope' } }
        @{ Id = 'BackupNotFound'; Wrong = @{ Timestamp = '20000101T000000Z' } }
        @{ Id = 'TimeRangeInvalid'; Wrong = @{ Start = 2; End = 1 } }
        @{ Id = 'NothingToResume'; Wrong = @{ Resume = $true } }
    ) {
        { Export-InfluxLineProtocol $golden (New-OutputPath) @Wrong } | Should -Throw -ErrorId "$Id,*"
    }

    It 'refuses what is no time' {
        { Export-InfluxLineProtocol $golden (New-OutputPath) -Start 'noon' } | Should -Throw "*'noon' is not a time*"
    }

    It 'leaves out what is damaged only where it may' {
        $damaged = Join-Path $PSScriptRoot '..' 'Data' 'hostile' 'tsm-bitflip-value'
        $path = New-OutputPath
        { Export-InfluxLineProtocol $damaged $path } | Should -Throw -ErrorId 'TsmFileDamaged,*'
        $path | Should -Not -Exist
        $file = Export-InfluxLineProtocol $damaged $path -AllowPartial -ErrorVariable findings @all
        $file.Points | Should -BeGreaterThan 1000
        $findings[0].FullyQualifiedErrorId | Should -BeLike 'BlockDamaged,*'
        $findings[0].TargetObject.Offset | Should -BeGreaterThan 5
    }

    It 'ends when the pipeline has enough, and can be resumed' {
        $directory = New-OutputPath ''
        $first = Export-InfluxLineProtocol $golden $directory -Database golden -SplitBy Shard | Select-Object -First 1
        $first.Path | Should -Exist
        $null = Export-InfluxLineProtocol $golden $directory -Database golden -SplitBy Shard -Resume
        @(Get-ChildItem $directory -Filter *.lp).Count | Should -Be 14
        @(Get-ChildItem $directory).Count | Should -Be 14
    }

    It 'completes <Parameter>' -ForEach @(
        @{ Parameter = 'Database'; Expected = 'golden' }
        @{ Parameter = 'SplitBy'; Expected = 'RetentionPolicy' }
        @{ Parameter = 'Timestamp'; Expected = '20261120T181322Z' }
    ) {
        $line = "Export-InfluxLineProtocol -Path '$golden' -Output x -$Parameter "
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain $Expected
    }
}

Describe 'Export-InfluxLineProtocol of a server' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'server')
        Add-SampleData $server
    }

    AfterAll {
        Stop-InfluxServer $server
    }

    It 'reads it while it runs, and another takes it in' {
        $other = Start-InfluxServer (Join-Path $TestDrive 'other')
        try {
            $results = Export-InfluxLineProtocol -DataNode $server.DataNode -Output (New-OutputPath '') -SplitBy RetentionPolicy |
                Import-InfluxLineProtocol -HttpUri $other.HttpUri
            $results.Outcome | Sort-Object -Unique | Should -Be 'Complete'
            foreach ($query in 'SELECT * FROM temperature', 'SELECT * FROM "five-years".temperature', 'SHOW RETENTION POLICIES') {
                $before = Invoke-Influx $server $query plant | ConvertTo-Csv
                $before.Count | Should -BeGreaterThan 1
                Invoke-Influx $other $query plant | ConvertTo-Csv | Should -Be $before
            }
            (Invoke-Influx $other 'SELECT * FROM "température"' "it's odd").text | Should -Be 'Zeile 1'
        }
        finally {
            Stop-InfluxServer $other
        }
    }

    It 'reads its directories once it has stopped, as it was' {
        $live = New-OutputPath
        $null = Export-InfluxLineProtocol -DataNode $server.DataNode -Output $live
        Write-Influx $server 'plant' 'late,room=r1 value=1 1699228800000000001'
        Stop-InfluxServer $server
        $directories = @{
            DataDirectory = Join-Path $server.Directory 'data'
            WalDirectory  = Join-Path $server.Directory 'wal'
            MetaDirectory = Join-Path $server.Directory 'meta'
        }
        $stopped = New-OutputPath
        $null = Export-InfluxLineProtocol @directories -Output $stopped
        (Compare-Object (Get-PointLine $live) (Get-PointLine $stopped)).InputObject | Should -Be 'late,room=r1 value=1 1699228800000000001'

        $line = "Export-InfluxLineProtocol -DataDirectory '$($directories.DataDirectory)' -Output x -Database "
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain 'plant'
        Export-InfluxLineProtocol -DataDirectory $directories.DataDirectory -Output (New-OutputPath) -WarningVariable warned -WarningAction SilentlyContinue | Out-Null
        $warned | Should -BeLike '*No WAL directory was given*'
    }
}
