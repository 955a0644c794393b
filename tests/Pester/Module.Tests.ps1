param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $manifest = Import-PowerShellDataFile -Path (Join-Path $ModulePath 'InfluxBackup.psd1')
    $cmdlets = $manifest.CmdletsToExport | ForEach-Object { @{ Cmdlet = $_ } }
    $hasNoPlatyPS = -not (Get-Module -ListAvailable -Name Microsoft.PowerShell.PlatyPS)
    # Any other version of a library that we bring, from the package cache of whoever builds.
    $other = Join-Path $HOME '.nuget' 'packages' 'microsoft.extensions.logging.abstractions' '10*' 'lib' 'net8.0' '*.dll' |
        Get-Item -ErrorAction Ignore | Select-Object -First 1
    $hasNoOther = $null -eq $other
}

BeforeAll {
    $repository = (Resolve-Path (Join-Path $PSScriptRoot '..' '..')).ProviderPath
    $ModulePath = (Resolve-Path $ModulePath).ProviderPath
    $golden = Join-Path $repository 'tests' 'Data' '1.6.7-tsi1' 'portable'
    Import-Module $ModulePath

    function Invoke-InNewProcess([string] $Script) {
        & ([System.Environment]::ProcessPath) -NoProfile -NonInteractive -Command "`$PSStyle.OutputRendering = 'PlainText'; $Script"
    }
}

Describe 'The module' {
    It 'has a valid manifest' {
        $manifest = Test-ModuleManifest -Path (Join-Path $ModulePath 'InfluxBackup.psd1') -ErrorAction Stop
        $manifest.PowerShellVersion | Should -Be '7.4'
        $manifest.CompatiblePSEditions | Should -Be 'Core'
        $manifest.Description | Should -Not -BeNullOrEmpty
        $manifest.PrivateData.PSData.Tags | Should -Contain 'PSEdition_Core'
    }

    It 'has the version of its assemblies' {
        $dll = Join-Path $ModulePath 'bin' 'InfluxBackup.Core.dll'
        $version = [System.Reflection.AssemblyName]::GetAssemblyName($dll).Version.ToString(3)
        (Import-PowerShellDataFile (Join-Path $ModulePath 'InfluxBackup.psd1')).ModuleVersion | Should -Be $version
    }

    It 'exports what its manifest names, and nothing else' {
        $named = (Import-PowerShellDataFile (Join-Path $ModulePath 'InfluxBackup.psd1')).CmdletsToExport | Sort-Object
        (Get-Command -Module InfluxBackup).Name | Sort-Object | Should -Be $named
        (Get-Module InfluxBackup).ExportedAliases.Count | Should -Be 0
        (Get-Module InfluxBackup).ExportedVariables.Count | Should -Be 0
    }

    It 'is found by name and loads without a warning' {
        $answer = Invoke-InNewProcess "
            `$env:PSModulePath = '$(Split-Path $ModulePath)'
            (Get-InfluxShard -Path '$golden').Count 3>&1 6>&1 4>&1"
        $answer | Should -Be 22
    }

    It 'can be removed and imported again' {
        $answer = Invoke-InNewProcess "
            Import-Module '$ModulePath'; Import-Module '$ModulePath' -Force; Remove-Module InfluxBackup; Import-Module '$ModulePath'
            (Get-Command -Module InfluxBackup).Count
            (Get-InfluxShard -Path '$golden').Count"
        $answer | Should -Be 8, 22
    }

    It 'loads once, whatever the number of runspaces' {
        $answer = Invoke-InNewProcess "
            1..6 | ForEach-Object -ThrottleLimit 6 -Parallel { Import-Module '$ModulePath'; (Get-InfluxShard -Path '$golden').Count }
            [System.Runtime.Loader.AssemblyLoadContext]::All.Where({ `$_.Name -eq 'InfluxBackup' }).Count"
        $answer | Should -Be 22, 22, 22, 22, 22, 22, 1
    }

    It 'lets scripts name its types' {
        $answer = Invoke-InNewProcess "
            Import-Module '$ModulePath'
            try { Restore-InfluxBackup '$TestDrive' -DataNode nobody } catch [InfluxBackup.InfluxBackupException] { `$_.Exception.Id }"
        $answer | Should -Be 'NoBackup'
    }
}

Describe 'Its libraries' {
    It 'are loaded in a load context of their own' {
        $names = (Get-ChildItem (Join-Path $ModulePath 'bin') -Filter *.dll).BaseName
        $assemblies = [System.AppDomain]::CurrentDomain.GetAssemblies().Where({ $_.Location -like "$ModulePath*" })
        $assemblies.ForEach({ $_.GetName().Name }) | Sort-Object | Should -Be ($names | Sort-Object)
        $contexts = $assemblies.ForEach({ [System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext($_).Name }) | Sort-Object -Unique
        $contexts | Should -Be 'InfluxBackup'
    }

    It 'work beside another version of the same library' -Skip:$hasNoOther {
        $other = (Get-Item (Join-Path $HOME '.nuget' 'packages' 'microsoft.extensions.logging.abstractions' '10*' 'lib' 'net8.0' '*.dll'))[0].FullName
        $answer = Invoke-InNewProcess "
            Add-Type -Path '$other'
            Import-Module '$ModulePath'
            (Test-InfluxBackup '$golden').Outcome.ToString()
            [System.AppDomain]::CurrentDomain.GetAssemblies().Where({ `$_.GetName().Name -eq 'Microsoft.Extensions.Logging.Abstractions' }).
                ForEach({ '{0} {1}' -f `$_.GetName().Version.Major, [System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext(`$_).Name }) | Sort-Object"
        $answer | Should -Be 'Complete', '10 Default', '8 InfluxBackup'
    }

    It 'leave nothing of PowerShell behind in the module' {
        Join-Path $ModulePath 'bin' 'System.Management.Automation.dll' | Should -Not -Exist
    }
}

Describe 'Help' {
    It 'of <Cmdlet> is complete' -ForEach $cmdlets {
        $help = Get-Help $Cmdlet -Full
        $help.Synopsis | Should -Not -BeLike "$Cmdlet*"
        $help.Description.Text | Should -Not -BeNullOrEmpty
        @($help.Examples.Example).Count | Should -BeGreaterOrEqual 3

        $common = [System.Management.Automation.Cmdlet]::CommonParameters
        foreach ($parameter in (Get-Command $Cmdlet).Parameters.Keys | Where-Object { $_ -notin $common }) {
            $text = (Get-Help $Cmdlet -Parameter $parameter).Description.Text
            $text | Should -Not -BeNullOrEmpty -Because "-$parameter has to be explained"
        }
        @($help.Parameters.Parameter).Name | Where-Object { $_ -notin (Get-Command $Cmdlet).Parameters.Keys } | Should -BeNullOrEmpty
    }

    It 'has examples for <Cmdlet> that parse and name parameters that exist' -ForEach $cmdlets {
        $page = Get-Content -Raw (Join-Path $repository 'docs' "$Cmdlet.md")
        foreach ($example in [regex]::Matches($page, '(?s)```powershell\r?\n(.*?)```').ForEach({ $_.Groups[1].Value })) {
            $tokens = $errors = $null
            $ast = [System.Management.Automation.Language.Parser]::ParseInput($example, [ref]$tokens, [ref]$errors)
            $errors | Should -BeNullOrEmpty
            foreach ($command in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                $known = Get-Command $command.GetCommandName() -ErrorAction Ignore
                foreach ($parameter in $command.CommandElements.Where({ $_ -is [System.Management.Automation.Language.CommandParameterAst] })) {
                    if ($known.ModuleName -eq 'InfluxBackup') {
                        $known.Parameters.Keys | Should -Contain $parameter.ParameterName
                    }
                }
            }
        }
    }

    It 'is what its pages say' -Skip:$hasNoPlatyPS {
        $fresh = Join-Path $TestDrive 'help'
        & (Join-Path $repository 'build.ps1') -Task Help -HelpDirectory $fresh
        $name = 'InfluxBackup.PowerShell.dll-Help.xml'
        $committed = Get-Content -Raw (Join-Path $repository 'module' 'en-US' $name)
        (Get-Content -Raw (Join-Path $fresh $name)) -ceq $committed | Should -BeTrue -Because 'build.ps1 -Task Help makes it anew after a change of docs'
    }

    It 'tells of the module' {
        Get-Help about_InfluxBackup | Should -BeLike '*Backup set*'
    }
}

Describe 'Views' {
    It 'show a backup with its sizes' {
        $text = Get-InfluxBackupManifest $golden | Out-String
        $text | Should -BeLike '*Timestamp*Outcome*Kind*Shards*Size*Stored*'
        $text | Should -BeLike '*20261120T181325Z unknown*22 * KB*'
    }

    It 'show a list of a backup without dumping its records' {
        Get-InfluxBackupManifest $golden | Format-List | Out-String | Should -Not -BeLike '*ShardInfo {*'
    }

    It 'show shards with dates and sizes' {
        $text = Get-InfluxShard -Path $golden | Format-Table | Out-String -Width 200
        $text | Should -BeLike '*Database*RetentionPolicy*ShardId*Start*End*Size*'
        $text | Should -BeLike '*2017-07-10 *2017-07-17*6 KB*'
    }

    It 'show a test with its outcome first' {
        Test-InfluxBackup $golden | Out-String | Should -Match 'Outcome +Timestamp +Shards +Failed +Deep +Size'
    }

    It 'exist for every type that a cmdlet writes' {
        $types = (Get-Command -Module InfluxBackup).OutputType.Name | Where-Object { $_ -like 'InfluxBackup*' } | Sort-Object -Unique
        foreach ($type in $types) {
            Get-FormatData -TypeName $type | Should -Not -BeNullOrEmpty -Because $type
        }
    }
}

Describe 'Cmdlets' {
    It '<Cmdlet> follows the conventions' -ForEach $cmdlets {
        $command = Get-Command $Cmdlet
        (Get-Verb $command.Verb) | Should -Not -BeNullOrEmpty
        $command.OutputType | Should -Not -BeNullOrEmpty
        $writes = $command.Verb -in 'Backup', 'Restore', 'Export', 'Import'
        $command.Parameters.ContainsKey('WhatIf') | Should -Be $writes
        $command.Parameters.ContainsKey('Confirm') | Should -Be $writes
        # An import's database is one that a file does not name; there is nothing to ask for a list. A cluster is looked at as a whole.
        foreach ($parameter in ($command.Verb -eq 'Import' -or $Cmdlet -eq 'Get-InfluxCluster' ? @() : @('Database', 'RetentionPolicy', 'ShardId'))) {
            $command.Parameters[$parameter].Attributes.Where({ $_ -is [System.Management.Automation.ArgumentCompleterAttribute] }) | Should -Not -BeNullOrEmpty
        }
        if ($command.Parameters.ContainsKey('DataNode')) {
            $command.Parameters['DataNode'].Aliases | Should -Contain 'ComputerName'
        }
    }
}
