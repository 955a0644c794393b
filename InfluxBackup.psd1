@{
    RootModule           = 'InfluxBackup.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '6d1f4c1e-53a2-4d3b-9f0e-7a3c9e5b8d24'
    Author               = 'InfluxBackup contributors'
    CompanyName          = 'InfluxBackup contributors'
    Copyright            = 'Copyright (c) 2026 The InfluxBackup contributors. MIT license.'
    Description          = 'Backs up, tests and restores InfluxDB 1.x servers while they run. Reads and writes the portable backup format of influxd.'

    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')

    FormatsToProcess     = @('InfluxBackup.Format.ps1xml')
    TypesToProcess       = @('InfluxBackup.Types.ps1xml')

    # Named one by one: a wildcard would make PowerShell load the module to find out.
    CmdletsToExport      = @(
        'Backup-InfluxCluster'
        'Export-InfluxLineProtocol'
        'Get-InfluxBackupManifest'
        'Get-InfluxCluster'
        'Get-InfluxShard'
        'Import-InfluxLineProtocol'
        'Restore-InfluxBackup'
        'Test-InfluxBackup'
    )
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()

    PrivateData          = @{
        PSData = @{
            Tags         = @('InfluxDB', 'Backup', 'Restore', 'TimeSeries', 'Database', 'DisasterRecovery', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
            ReleaseNotes = 'Backup, test and restore of running servers in the portable format.'
        }
    }
}
