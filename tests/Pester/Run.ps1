<#
.SYNOPSIS
    Runs the Pester tests on a built module; ends with exit code 1 if any fails.
#>
[CmdletBinding()]
param(
    [string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'),

    # Only test files of this name; wildcards allowed.
    [string] $Name = '*'
)

$ErrorActionPreference = 'Stop'
$PSStyle.OutputRendering = 'PlainText'

if (-not (Get-Module -ListAvailable -Name Pester | Where-Object Version -ge '5.0')) {
    Write-Host 'Pester: skipped, because Pester 5 or later is not installed (Install-PSResource Pester).'
    exit 0
}

Import-Module Pester -MinimumVersion 5.0
if (-not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)) {
    if ($env:INFLUXBACKUP_REQUIRE_INFLUXD -eq '1') { throw 'influxd is not installed, and the tests with a real server must not be skipped.' }
    Write-Host 'influxd is not installed: the tests with a real server are skipped.'
}

$ModulePath = (Resolve-Path -LiteralPath $ModulePath).ProviderPath
$files = Get-ChildItem -Path (Join-Path $PSScriptRoot "$Name.Tests.ps1")
$configuration = New-PesterConfiguration
$configuration.Run.Container = $files | ForEach-Object { New-PesterContainer -Path $_.FullName -Data @{ ModulePath = $ModulePath } }
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$configuration.Output.RenderMode = 'Plaintext'
$result = Invoke-Pester -Configuration $configuration

Write-Host "Pester: $($result.PassedCount) passed, $($result.FailedCount) failed, $($result.SkippedCount) skipped"
# A file or block that breaks before its tests counts as a failure too.
exit ($result.Result -eq 'Passed' ? 0 : 1)
