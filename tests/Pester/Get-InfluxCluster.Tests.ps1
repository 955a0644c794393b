param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
    $hasNoEmulator = -not (Test-EmulatorBuilt)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestEmulator.psm1') -Force
}

Describe 'Get-InfluxCluster' -Skip:$hasNoEmulator {
    BeforeAll {
        $cluster = Start-EmulatedCluster (Join-Path $TestDrive 'cluster')
        $metaNodes = $cluster.MetaNodes.Address
    }

    AfterAll {
        Stop-EmulatedCluster $cluster
    }

    It 'tells of nodes, shards and health' {
        $info = Get-InfluxCluster $metaNodes
        $info.IsHealthy | Should -BeTrue
        $info.Leader | Should -Be $cluster.Leader.Address
        $info.MetaNodes.Count | Should -Be 3
        $info.DataNodes.DataNode | Should -Be $cluster.DataNodes.Address
        $info.DataNodes.State | Sort-Object -Unique | Should -Be 'Up'
        $info.CopyCount | Should -BeGreaterThan $info.ShardCount
    }

    It 'asks any meta node that is up' {
        $error.Clear()
        (Get-InfluxCluster -MetaNode 127.0.0.1:1, $metaNodes[0] -WarningVariable warnings -WarningAction SilentlyContinue).DataNodes.Count | Should -Be 3
        $warnings | Should -BeLike '*127.0.0.1:1 *'
    }

    It 'is shown with its nodes' {
        $text = Get-InfluxCluster $metaNodes | Out-String -Width 200
        $text | Should -BeLike '*healthy*'
        $text | Should -BeLike '* up, leader*'
        $text | Should -BeLike "*$($cluster.DataNodes[2].Address) up*"
        Get-InfluxCluster $metaNodes | ForEach-Object DataNodes | Out-String -Width 200 | Should -BeLike '*DataNode*NodeId*State*Shards*'
    }

    It 'ends the script when nobody is there' {
        $record = { Get-InfluxCluster 127.0.0.1:1 } | Should -Throw -ErrorId 'MetaNodeUnreachable,*' -PassThru
        $record.CategoryInfo.Category | Should -Be 'ConnectionError'
    }

    It 'says that a data node is none' {
        { Get-InfluxCluster $cluster.DataNodes[0].HttpAddress } | Should -Throw -ErrorId 'NotAMetaNode,*'
        { Get-InfluxCluster $cluster.DataNodes[0].Address } | Should -Throw -ErrorId 'NotAMetaNode,*'
    }

    It 'wants a secret with the name of a user' {
        { Get-InfluxCluster $metaNodes -UserName root } | Should -Throw -ErrorId 'SharedSecretRequired,*'
    }

    It 'names what is wrong' {
        $down = $cluster.DataNodes[0]
        $null = $down.KillAsync().GetAwaiter().GetResult()
        try {
            $info = Get-InfluxCluster $metaNodes
            $info.IsHealthy | Should -BeFalse
            $info.Problems[0] | Should -BeLike "*$($down.Address)*"
            $info.UnderReplicatedShards.Count | Should -Be $info.DataNodes[0].OwnedShards
            $info | Out-String -Width 200 | Should -BeLike '*TooFewCopies*unknown*'
        }
        finally {
            $null = $down.RestartAsync().GetAwaiter().GetResult()
        }
    }
}

Describe 'Get-InfluxCluster behind a login and TLS' -Skip:$hasNoEmulator {
    BeforeAll {
        $cluster = Start-EmulatedCluster (Join-Path $TestDrive 'guarded') -UserName root -Password 'Pa55w0rd' -SharedSecret 'users secret' -InternalSharedSecret 'nodes secret' -UseTls
        $common = @{ MetaNode = $cluster.MetaNodes.Address; UseTls = $true; UseDataNodeTls = $true; SkipCertificateCheck = $true }

        function ConvertTo-Secret([string] $Text) { ConvertTo-SecureString $Text -AsPlainText -Force }
    }

    AfterAll {
        Stop-EmulatedCluster $cluster
    }

    It 'takes a user and a password' {
        (Get-InfluxCluster @common -Credential ([pscredential]::new('root', (ConvertTo-Secret 'Pa55w0rd')))).IsHealthy | Should -BeTrue
    }

    It 'takes the shared secret with a user, and that of the nodes without' {
        (Get-InfluxCluster @common -SharedSecret (ConvertTo-Secret 'users secret') -UserName root).IsHealthy | Should -BeTrue
        (Get-InfluxCluster @common -SharedSecret (ConvertTo-Secret 'nodes secret')).IsHealthy | Should -BeTrue
    }

    It 'takes the name of the credential for the token' {
        (Get-InfluxCluster @common -SharedSecret (ConvertTo-Secret 'users secret') -Credential ([pscredential]::new('root', (ConvertTo-Secret 'wrong')))).IsHealthy | Should -BeTrue
    }

    It 'shows no secret when it is wrong' {
        $record = { Get-InfluxCluster @common -SharedSecret (ConvertTo-Secret 'wr0ng secret') -Verbose -Debug } | Should -Throw -ErrorId 'LoginRefused,*' -PassThru
        $record.CategoryInfo.Category | Should -Be 'AuthenticationError'
        ($record | Format-List * -Force | Out-String) + $record.Exception | Should -Not -BeLike '*wr0ng*'
    }

    It 'checks certificates unless it is told not to' {
        $careful = $common.Clone()
        $careful.Remove('SkipCertificateCheck')
        { Get-InfluxCluster @careful } | Should -Throw -ErrorId 'TlsFailed,*'
    }

    It 'says what the nodes want' {
        { Get-InfluxCluster $cluster.MetaNodes.Address } | Should -Throw -ErrorId '*,InfluxBackup.PowerShell.Cmdlets.GetInfluxClusterCommand'
    }
}

Describe 'Get-InfluxShard of a cluster' -Skip:$hasNoEmulator {
    BeforeAll {
        $cluster = Start-EmulatedCluster (Join-Path $TestDrive 'shards')
        $metaNodes = $cluster.MetaNodes.Address
    }

    AfterAll {
        Stop-EmulatedCluster $cluster
    }

    It 'lists the shards with their owners' {
        $shards = Get-InfluxShard -MetaNode $metaNodes -Database inventory
        $shards.Count | Should -BeGreaterThan 0
        $shards.ForEach({ $_.Owners.Count }) | Sort-Object -Unique | Should -Be 3
        $shards[0].Owners[0].DataNode | Should -BeIn $cluster.DataNodes.Address
        $shards[0].Owners.Size | Should -Not -Contain $null
        $shards.IsUnderReplicated | Sort-Object -Unique | Should -BeFalse
    }

    It 'shows the owners' {
        Get-InfluxShard -MetaNode $metaNodes -Database inventory | Out-String -Width 250 | Should -BeLike '*Copies*Owners*3/3*'
    }

    It 'warns of a node that can not be asked' {
        $null = $cluster.DataNodes[1].KillAsync().GetAwaiter().GetResult()
        try {
            $shards = Get-InfluxShard -MetaNode $metaNodes -Database inventory -WarningVariable warnings -WarningAction SilentlyContinue
            $warnings | Should -BeLike "*$($cluster.DataNodes[1].Address)*"
            $shards.IsUnderReplicated | Sort-Object -Unique | Should -BeTrue
            $shards.IsPresent | Sort-Object -Unique | Should -BeTrue
        }
        finally {
            $null = $cluster.DataNodes[1].RestartAsync().GetAwaiter().GetResult()
        }
    }

    It 'does not mix clusters and servers' {
        { Get-InfluxShard -MetaNode $metaNodes -DataNode localhost } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
        { Get-InfluxShard -MetaNode $metaNodes -HttpUri http://localhost:8086 } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
    }

    It 'completes names' {
        $line = "Get-InfluxShard -MetaNode $($metaNodes[0]) -Database in"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be 'inventory'
    }
}
