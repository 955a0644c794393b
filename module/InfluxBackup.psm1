# Loads the module's assemblies in a load context of their own, so that another module's Google.Protobuf or logging of a different
# version can't clash with ours. All of them are loaded at once: when one of them asks for another, the runtime looks among those
# that the context has before it looks anywhere else, so the context needs no code of its own to find them.

Set-StrictMode -Version 3.0

$bin = [System.IO.Path]::Combine($PSScriptRoot, 'bin')
$own = 'InfluxBackup.Core', 'InfluxBackup.PowerShell'

function Find-Loaded([string] $Name) {
    $path = [System.IO.Path]::Combine($bin, "$Name.dll")
    foreach ($assembly in [System.Runtime.Loader.AssemblyLoadContext]::All.Assemblies) {
        if (-not $assembly.IsDynamic -and $assembly.Location -eq $path) {
            return $assembly
        }
    }
}

# Runspaces share the process. Whoever comes second has to find the first one's assemblies, or the two could not exchange objects.
$lock = [System.Runtime.Loader.AssemblyLoadContext]
[System.Threading.Monitor]::Enter($lock)
try {
    if (-not (Find-Loaded $own[-1])) {
        $context = [System.Runtime.Loader.AssemblyLoadContext]::new('InfluxBackup', $false)
        foreach ($file in [System.IO.Directory]::GetFiles($bin, '*.dll')) {
            $null = $context.LoadFromAssemblyPath($file)
        }
    }
}
finally {
    [System.Threading.Monitor]::Exit($lock)
}

# The engine has no cmdlets; PowerShell finds the types of an assembly by name only once it was imported, and a script may want to
# write catch [InfluxBackup.InfluxBackupException].
$modules = foreach ($name in $own) {
    Import-Module -Assembly (Find-Loaded $name) -Force -PassThru
}

# When the assembly was imported before in the same process, PowerShell reuses what it knows and forgets to hand the cmdlets on
# (https://github.com/PowerShell/PowerShell/issues/20710).
$addExportedCmdlet = [System.Management.Automation.PSModuleInfo].GetMethod(
    'AddExportedCmdlet', [System.Reflection.BindingFlags]'Instance, NonPublic')
foreach ($module in $modules) {
    foreach ($cmdlet in $module.ExportedCmdlets.Values) {
        $null = $addExportedCmdlet.Invoke($ExecutionContext.SessionState.Module, @(, $cmdlet))
    }
}
