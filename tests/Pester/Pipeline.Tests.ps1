param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
    $hasNoEmulator = -not (Test-EmulatorBuilt)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force

    function New-Shell([string] $Script) {
        $shell = [powershell]::Create()
        $null = $shell.AddScript("Import-Module '$ModulePath'; $Script")
        $shell
    }

    function Wait-Until([scriptblock] $Condition) {
        $limit = [datetime]::UtcNow.AddSeconds(20)
        while (-not (& $Condition)) {
            if ([datetime]::UtcNow -gt $limit) { throw "Waited too long for: $Condition" }
            Start-Sleep -Milliseconds 20
        }
    }
}

Describe 'The bridge to the pipeline' -Skip:$hasNoEmulator {
    BeforeAll {
        $node = Start-EmulatedNode (Join-Path $TestDrive 'node')
        $address = $node.Address

        function New-SetPath { Join-Path $TestDrive ([System.IO.Path]::GetRandomFileName()) }
    }

    BeforeEach {
        $node.Faults.Clear()
    }

    AfterAll {
        Stop-EmulatedNode $node
    }

    It 'tells on the streams what happens' {
        $shell = New-Shell "Backup-InfluxCluster -DataNode $address -Path '$(New-SetPath)' -Verbose"
        $result = $shell.Invoke()
        $shell.Streams.Error | Should -BeNullOrEmpty
        $shell.Streams.Verbose.Message -match 'Backing up metadata and 8 shards' | Should -Not -BeNullOrEmpty
        $shell.Streams.Information.Count | Should -Be 8
        $shell.Streams.Information[0].Tags | Should -Be 'InfluxBackup'
        $shell.Streams.Information.MessageData | Should -Match '^shard \d+ \(.*\): Complete, '
        "$($result.Outcome)" | Should -Be 'Complete'
        $shell.Dispose()
    }

    It 'shows progress of the whole and of each running shard' {
        Add-Fault $node ([InfluxBackup.Emulator.Fault]::Slow(20000))
        $shell = New-Shell "Backup-InfluxCluster -DataNode $address -Path '$(New-SetPath)' -ThrottleLimit 3"
        $null = $shell.Invoke()
        $records = $shell.Streams.Progress
        $parents = $records.Where({ $_.ParentActivityId -lt 0 -and $_.RecordType -eq 'Processing' -and $_.Activity -like "Backing up data node $address*" })
        $children = $records.Where({ $_.ParentActivityId -ge 0 })
        $parents.Count | Should -BeGreaterThan 1
        $parents[-1].StatusDescription | Should -Match '^\d of 8 shards, .*/s$'
        $parents.PercentComplete | Should -Be ($parents.PercentComplete | Sort-Object)
        $children.ParentActivityId | Sort-Object -Unique | Should -Be $parents[0].ActivityId
        ($children.ActivityId | Sort-Object -Unique).Count | Should -BeLessOrEqual 3
        # Whatever was shown is taken off the screen.
        foreach ($group in $records | Where-Object Activity -notlike 'Preparing*' | Group-Object ActivityId) {
            "$($group.Group[-1].RecordType)" | Should -Be 'Completed'
        }
        $shell.Dispose()
    }

    It 'warns of a retry' {
        $null = $node.Faults.Add([InfluxBackup.Emulator.Fault]::CutAfter(100), [InfluxBackup.Snapshotter.SnapshotterRequestType]::ShardBackup, 2, 1, 1)
        $result = Backup-InfluxCluster -DataNode $address -Path (New-SetPath) -WarningVariable warnings -WarningAction SilentlyContinue
        "$($result.Outcome)" | Should -Be 'Complete'
        $warnings | Should -Not -BeNullOrEmpty
        @($warnings | Sort-Object -Unique).Count | Should -Be @($warnings).Count
    }

    It 'gives up on a silent server after the timeout' {
        Add-Fault $node ([InfluxBackup.Emulator.Fault]::Stall(1000))
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $shell = New-Shell "Backup-InfluxCluster -DataNode $address -Path '$(New-SetPath)' -ShardId 2 -Timeout 0.3 -WarningAction SilentlyContinue"
        $running = $shell.BeginInvoke()
        Wait-Until { $shell.Streams.Progress.Where({ $_.StatusDescription -eq 'waiting to try again' }).Count -gt 0 -or $running.IsCompleted }
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 15
        $shell.Stop()
        $shell.Dispose()
    }

    Context 'when Ctrl+C is pressed' {
        It 'ends a backup at once and leaves nothing' {
            Add-Fault $node ([InfluxBackup.Emulator.Fault]::Stall(2000))
            $set = New-SetPath
            $shell = New-Shell "Backup-InfluxCluster -DataNode $address -Path '$set'"
            $running = $shell.BeginInvoke()
            Wait-Until { Get-FileSnapshot $set | Where-Object { $_ -like '*.partial' } }
            $clock = [System.Diagnostics.Stopwatch]::StartNew()
            $shell.EndStop($shell.BeginStop($null, $null))
            $clock.Elapsed.TotalSeconds | Should -BeLessThan 5
            "$($shell.InvocationStateInfo.State)" | Should -Be 'Stopped'
            $running.IsCompleted | Should -BeTrue
            Get-FileSnapshot $set | Where-Object { $_ -like '*.partial' -or $_ -like '*.manifest' -or $_ -like '*.tar.gz' } | Should -BeNullOrEmpty
            $node.Faults.Clear()
            $node.WaitUntilIdleAsync([timespan]::FromSeconds(5)).GetAwaiter().GetResult()
            "$((Backup-InfluxCluster -DataNode $address -Path $set -WarningAction SilentlyContinue).Outcome)" | Should -Be 'Complete' -Because 'the set can be used again at once'
            $shell.Dispose()
        }

        It 'ends a restore at once and says what it leaves behind' -Skip:$IsWindows {
            $set = New-SetPath
            $null = Backup-InfluxCluster -DataNode $address -Path $set -ShardId 2 -WarningAction SilentlyContinue
            $target = Start-EmulatedNode (New-SetPath)
            $update = [InfluxBackup.Snapshotter.SnapshotterRequestType]::ShardUpdate
            $slow = $target.Faults.Add([InfluxBackup.Emulator.Fault]::Slow(100), $update, $null, 1, $null)
            $output = New-SetPath
            $command = "Import-Module '$ModulePath'; Restore-InfluxBackup '$set' -DataNode $($target.Address) -NewDatabase stopped; 'went on'"
            $start = @{
                FilePath               = [System.Environment]::ProcessPath
                ArgumentList           = '-NoProfile', '-NonInteractive', '-Command', "`"$command`""
                RedirectStandardOutput = $output
                PassThru               = $true
            }
            $process = Start-Process @start
            Wait-Until { $target.Faults.Hits($slow) -gt 0 -or $process.HasExited }
            # The signal that a terminal sends.
            & (Get-Command -Name kill -CommandType Application)[0] -INT $process.Id
            $process.WaitForExit(10000) | Should -BeTrue
            Stop-EmulatedNode $target
            $text = Get-Content -Raw $output
            $text | Should -BeLike "*had created: database 'stopped'*-Resume*"
            $text | Should -Not -BeLike '*went on*'
        }

        It 'ends while the server has not answered yet' {
            $null = $node.Faults.Add([InfluxBackup.Emulator.Fault]::Stall(0), $null, $null, 1, $null)
            $shell = New-Shell "Get-InfluxShard -DataNode $address"
            $running = $shell.BeginInvoke()
            Wait-Until { $node.ActiveConnections -gt 0 }
            $clock = [System.Diagnostics.Stopwatch]::StartNew()
            $shell.EndStop($shell.BeginStop($null, $null))
            $clock.Elapsed.TotalSeconds | Should -BeLessThan 5
            $running.IsCompleted | Should -BeTrue
            $shell.Dispose()
        }
    }

    It 'ends when a later command has enough' {
        $sets = 0..3 | ForEach-Object { (Backup-InfluxCluster -DataNode $address -Path (New-SetPath) -WarningAction SilentlyContinue).Path }
        ($sets | Test-InfluxBackup | Select-Object -First 1).IsSound | Should -BeTrue
    }

    It 'asks before it does anything' {
        $set = New-SetPath
        $shell = New-Shell "Backup-InfluxCluster -DataNode $address -Path '$set' -Confirm"
        $null = $shell.Invoke()
        # There is nobody to answer in this host.
        $shell.Streams.Error[0].Exception.Message | Should -BeLike '*Back up metadata and 8 shards*'
        $set | Should -Not -Exist
        $shell.Dispose()
    }

    It 'writes before it ends' {
        $null = Backup-InfluxCluster -DataNode $address -Path (Join-Path $TestDrive 'first') -WarningAction SilentlyContinue
        $seen = [System.Collections.Generic.List[string]]::new()
        Test-InfluxBackup (Join-Path $TestDrive 'first'), (Join-Path $TestDrive 'missing') -ErrorAction SilentlyContinue | ForEach-Object { $seen.Add('object') }
        $seen.Count | Should -Be 1
    }
}

Describe 'A backup with a shard that fails' -Skip:$hasNoEmulator {
    BeforeAll {
        # A shard is given up after some 45 seconds: both ways at once.
        $node = Start-EmulatedNode (Join-Path $TestDrive 'failing node')
        Add-Fault $node ([InfluxBackup.Emulator.Fault]::CutAfter(1000)) 4
        $runs = foreach ($option in '', '-AllowPartial') {
            $set = Join-Path $TestDrive "failing$option"
            $shell = New-Shell "Backup-InfluxCluster -DataNode $($node.Address) -Path '$set' $option"
            @{ Set = $set; Shell = $shell; Running = $shell.BeginInvoke() }
        }
        foreach ($run in $runs) {
            $run.Result = $run.Shell.EndInvoke($run.Running)[0]
            $run.Errors = $run.Shell.Streams.Error
        }
        $strict, $tolerant = $runs
    }

    AfterAll {
        $runs.ForEach({ $_.Shell.Dispose() })
        Stop-EmulatedNode $node
    }

    It 'is not kept' {
        "$($strict.Result.Outcome)" | Should -Be 'Partial'
        $strict.Result.ManifestPath | Should -BeNullOrEmpty
        Get-FileSnapshot $strict.Set | Where-Object { $_ -notlike '.*' } | Should -BeNullOrEmpty
        $strict.Result | Out-String | Should -Match 'Shards +: 7 complete, 1 failed'
    }

    It 'has an error for the shard and one for the whole' {
        $strict.Errors.Count | Should -Be 2
        $strict.Errors[0].TargetObject.ShardId | Should -Be 4
        $strict.Errors[0].FullyQualifiedErrorId | Should -Not -BeLike 'BackupNotKept,*'
        $strict.Errors[1].FullyQualifiedErrorId | Should -BeLike 'BackupNotKept,*'
    }

    It 'has warned of its attempts, each once' {
        $warnings = $strict.Shell.Streams.Warning.Message
        $warnings.Count | Should -BeGreaterThan 2
        @($warnings | Sort-Object -Unique).Count | Should -Be $warnings.Count
    }

    It 'is nothing to restore; the newest of the set would be the wrong one' {
        $strict.Result | Restore-InfluxBackup -DataNode $node.Address -ErrorVariable refused -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $refused | Should -Not -BeNullOrEmpty
    }

    It 'is kept when it is told to, and says what it lacks' {
        "$($tolerant.Result.Outcome)" | Should -Be 'Partial'
        $tolerant.Result.ManifestPath | Should -Exist
        $tolerant.Errors.Count | Should -Be 1
        $test = Test-InfluxBackup $tolerant.Set
        $test.IsSound | Should -BeFalse
        $test.Findings.ShardId | Should -Contain 4
    }
}

Describe 'Completion' -Skip:$hasNoEmulator {
    BeforeAll {
        $node = Start-EmulatedNode (Join-Path $TestDrive 'completing')
        $set = Join-Path $TestDrive 'complete set'
        $backup = Backup-InfluxCluster -DataNode $node.Address -Path $set -WarningAction SilentlyContinue

        function Complete([string] $Line) {
                (TabExpansion2 -inputScript $Line -cursorColumn $Line.Length).CompletionMatches | ForEach-Object CompletionText
        }
    }

    AfterAll {
        Stop-EmulatedNode $node
    }

    It 'asks the server for <Parameter>' -ForEach @(
        @{ Parameter = 'Database'; Line = '-Database '; Has = 'demo', "'Wetter Köln'" }
        @{ Parameter = 'Database'; Line = '-Database d'; Has = @('demo') }
        @{ Parameter = 'Database'; Line = "-Database 'Wet"; Has = @("'Wetter Köln'") }
        @{ Parameter = 'a second database'; Line = '-Database demo, '; Has = @("'Wetter Köln'") }
        @{ Parameter = 'ShardId'; Line = '-Database demo -ShardId '; Has = @('1') }
    ) {
        $found = Complete "Get-InfluxShard -DataNode $($node.Address) $Line"
        foreach ($expected in $Has) {
            $found | Should -Contain $expected
        }
    }

    It 'asks the set for <Parameter>' -ForEach @(
        @{ Parameter = 'Database'; Line = 'Restore-InfluxBackup {0} -Database '; Has = 'demo' }
        @{ Parameter = 'Database'; Line = 'Test-InfluxBackup -LiteralPath {0} -Database '; Has = 'demo' }
        @{ Parameter = 'RetentionPolicy'; Line = 'Get-InfluxBackupManifest -Path {0} -Database demo -RetentionPolicy '; Has = "'long term'" }
        @{ Parameter = 'ShardId'; Line = 'Test-InfluxBackup {0} -ShardId '; Has = '2' }
    ) {
        Complete ($Line -f "'$set'") | Should -Contain $Has
    }

    It 'offers the backups of a set, from where the user stands' {
        Push-Location $TestDrive
        try {
            Complete "Restore-InfluxBackup './complete set' -Timestamp " | Should -Be $backup.Timestamp
        }
        finally {
            Pop-Location
        }
    }

    It 'offers nothing, soon and without an error, when it can not find out: <Line>' -ForEach @(
        @{ Line = 'Get-InfluxShard -DataNode 192.0.2.1 -Database ' }
        @{ Line = 'Get-InfluxShard -DataNode :: -Database ' }
        @{ Line = 'Get-InfluxShard -Database x -RetentionPolicy ' }
        @{ Line = 'Test-InfluxBackup ./nowhere -Timestamp ' }
        @{ Line = 'Test-InfluxBackup Env:\PATH -Database ' }
    ) {
        $Error.Clear()
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        # Without a completion of ours PowerShell offers file names.
        Complete $Line | Where-Object { $_ -notmatch '[\\/]' } | Should -BeNullOrEmpty
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 4
        $Error | Should -BeNullOrEmpty
    }
}
