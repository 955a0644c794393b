#!/usr/bin/env pwsh
<#
.SYNOPSIS
    Builds the PowerShell module into out/InfluxBackup, tests it, or makes its help.

.DESCRIPTION
    Build   Assembles the module: assemblies, loader, views and help.
    Test    Builds, and runs the Pester tests. Those that need a server start an influxd of their own, and are skipped without it.
    Help    Makes module/en-US/InfluxBackup.PowerShell.dll-Help.xml from docs/*-*.md. Needs Microsoft.PowerShell.PlatyPS.
    Clean   Removes out/.

    Building needs the .NET SDK alone; "dotnet build src/InfluxBackup.PowerShell -t:BuildModule" does the same without PowerShell.

.EXAMPLE
    ./build.ps1
    Import-Module ./out/InfluxBackup

.EXAMPLE
    ./build.ps1 -Task Test
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Help', 'Clean')]
    [string[]] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release',

    # Where Help writes to; the tests compare what it makes with what is committed.
    [string] $HelpDirectory = (Join-Path $PSScriptRoot 'module' 'en-US')
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$project = Join-Path $PSScriptRoot 'src' 'InfluxBackup.PowerShell'
$output = Join-Path $PSScriptRoot 'out'
$module = Join-Path $output 'InfluxBackup'

function Invoke-BuildTask {
    dotnet build $project -t:BuildModule -c $Configuration --nologo -v minimal
    if ($LASTEXITCODE) { throw "The build failed with exit code $LASTEXITCODE." }
}

function Invoke-TestTask {
    Invoke-BuildTask
    # The tests' emulated data node is built against the same engine.
    dotnet build (Join-Path $PSScriptRoot 'src' 'InfluxBackup.Emulator') -c Release --nologo -v minimal
    if ($LASTEXITCODE) { throw "The build of the emulator failed with exit code $LASTEXITCODE." }
    # A process of its own: a session that has loaded the module once can't load it anew.
    $pwsh = [System.Environment]::ProcessPath
    & $pwsh -NoProfile -NonInteractive -File (Join-Path $PSScriptRoot 'tests' 'Pester' 'Run.ps1') -ModulePath $module
    if ($LASTEXITCODE) { throw 'Pester tests failed.' }
}

function Invoke-HelpTask {
    if (-not (Get-Module -ListAvailable -Name Microsoft.PowerShell.PlatyPS)) {
        Write-Host 'Help was skipped: Microsoft.PowerShell.PlatyPS is not installed (Install-PSResource Microsoft.PowerShell.PlatyPS).'
        return
    }
    Import-Module Microsoft.PowerShell.PlatyPS
    $temporary = Join-Path ([System.IO.Path]::GetTempPath()) ([System.IO.Path]::GetRandomFileName())
    try {
        $pages = Measure-PlatyPSMarkdown -Path (Join-Path $PSScriptRoot 'docs' '*.md') | Where-Object FileType -match 'CommandHelp'
        # It makes a directory of the module's name, and its line ends are those of the machine.
        $help = Import-MarkdownCommandHelp -Path $pages.FilePath | Export-MamlCommandHelp -OutputFolder $temporary
        $text = (Get-Content -LiteralPath $help.FullName -Raw).ReplaceLineEndings("`n")
        $null = New-Item -ItemType Directory -Force -Path $HelpDirectory
        [System.IO.File]::WriteAllText((Join-Path $HelpDirectory $help.Name), $text)
    }
    finally {
        Remove-Item -LiteralPath $temporary -Recurse -Force -ErrorAction Ignore
    }
}

function Invoke-CleanTask {
    if (Test-Path -LiteralPath $output) {
        Remove-Item -LiteralPath $output -Recurse -Force
    }
}

foreach ($name in $Task) {
    & "Invoke-${name}Task"
}
