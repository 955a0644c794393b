# The emulated data node and cluster, for what a real server does not do on demand: cuts, stalls, slowness. It is loaded beside the module's
# engine, into the same load context, so that there is one engine in the process.

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$dll = [System.IO.Path]::GetFullPath(
    [System.IO.Path]::Combine($PSScriptRoot, '..', '..', 'src', 'InfluxBackup.Emulator', 'bin', 'Release', 'net8.0', 'InfluxBackup.Emulator.dll'))

function Test-EmulatorBuilt {
    Test-Path -LiteralPath $dll
}

function Import-Emulator {
    $context = [System.Runtime.Loader.AssemblyLoadContext]::All.Where({ $_.Name -eq 'InfluxBackup' }, 'Last')[0]
    $assembly = $context.Assemblies.Where({ $_.GetName().Name -eq 'InfluxBackup.Emulator' })
    Import-Module -Assembly ($assembly ? $assembly[0] : $context.LoadFromAssemblyPath($dll)) -Scope Local
}

function Start-EmulatedNode {
    param([Parameter(Mandatory)] [string] $Directory)

    Import-Emulator
    [InfluxBackup.Emulator.SampleData]::Create($Directory)
    $options = [InfluxBackup.Emulator.EmulatedDataNodeOptions]@{ Directory = $Directory }
    [InfluxBackup.Emulator.EmulatedDataNode]::StartAsync($options).GetAwaiter().GetResult()
}

function Add-Fault {
    <# Backup: the fault hits the sending of shards; of one shard where its id is given. #>
    param([object] $Node, [object] $Fault, [Nullable[ulong]] $ShardId)

    $null = $Node.Faults.Add($Fault, [InfluxBackup.Snapshotter.SnapshotterRequestType]::ShardBackup, $ShardId, 1, $null)
}

function Stop-EmulatedNode {
    param([object] $Node)

    if ($Node) {
        $Node.Faults.Clear()
        $null = $Node.DisposeAsync().AsTask().GetAwaiter().GetResult()
    }
}

function Start-EmulatedCluster {
    <# A cluster with sample data. With a user or a secret its meta nodes want one. #>
    param(
        [Parameter(Mandatory)] [string] $Directory,
        [int] $DataNodes = 3,
        [string] $UserName,
        [string] $Password = 'unused',
        [string] $SharedSecret,
        [string] $InternalSharedSecret,
        [switch] $UseTls
    )

    Import-Emulator
    $options = [InfluxBackup.Emulator.EmulatedClusterOptions]@{
        Directory         = $Directory
        DataNodes         = $DataNodes
        UseTls            = $UseTls
        UseTlsOnDataNodes = $UseTls
        Authentication    = $UserName ? [InfluxBackup.Emulator.EmulatedAuthentication]::new($UserName, $Password, $SharedSecret, $InternalSharedSecret) : $null
    }
    $cluster = [InfluxBackup.Emulator.EmulatedCluster]::StartAsync($options).GetAwaiter().GetResult()
    $null = [InfluxBackup.Emulator.ClusterSample]::Write($cluster)
    $cluster
}

function Stop-EmulatedCluster {
    param([object] $Cluster)

    if ($Cluster) {
        $null = $Cluster.DisposeAsync().AsTask().GetAwaiter().GetResult()
    }
}

Export-ModuleMember -Function Start-EmulatedCluster, Stop-EmulatedCluster, Test-EmulatorBuilt, Start-EmulatedNode, Stop-EmulatedNode, Add-Fault
