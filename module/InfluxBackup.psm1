# Loads the module's assemblies in a load context of their own, so that another module's Google.Protobuf or logging of a different
# version can't clash with ours. All of them are loaded at once: when one of them asks for another, the runtime looks among those
# that the context has before it looks anywhere else, so the context needs no code of its own to find them.

Set-StrictMode -Version 3.0

$bin = [System.IO.Path]::Combine($PSScriptRoot, 'bin')
$main = [System.IO.Path]::Combine($bin, 'InfluxBackup.PowerShell.dll')

# Runspaces share the process. Whoever comes second has to find the first one's assemblies, or the two could not exchange objects.
$lock = [System.Runtime.Loader.AssemblyLoadContext]
[System.Threading.Monitor]::Enter($lock)
try {
    $assembly = [System.Runtime.Loader.AssemblyLoadContext]::All.Assemblies |
        Where-Object { -not $_.IsDynamic -and $_.Location -eq $main } |
        Select-Object -First 1
    if (-not $assembly) {
        $context = [System.Runtime.Loader.AssemblyLoadContext]::new('InfluxBackup', $false)
        foreach ($file in [System.IO.Directory]::GetFiles($bin, '*.dll')) {
            $loaded = $context.LoadFromAssemblyPath($file)
            if ($file -eq $main) {
                $assembly = $loaded
            }
        }
    }
}
finally {
    [System.Threading.Monitor]::Exit($lock)
}

$cmdlets = Import-Module -Assembly $assembly -Force -PassThru

# When the assembly was imported before in this session, PowerShell reuses what it knows and forgets to hand the cmdlets on
# (https://github.com/PowerShell/PowerShell/issues/20710).
$addExportedCmdlet = [System.Management.Automation.PSModuleInfo].GetMethod(
    'AddExportedCmdlet', [System.Reflection.BindingFlags]'Instance, NonPublic')
foreach ($cmdlet in $cmdlets.ExportedCmdlets.Values) {
    $null = $addExportedCmdlet.Invoke($ExecutionContext.SessionState.Module, @(, $cmdlet))
}
