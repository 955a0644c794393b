# A real influxd for the tests: on free loopback ports, with directories of its own, stopped by its process id.

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

function Test-InfluxdInstalled {
    [bool](Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
}

function Get-FreePort {
    param([int] $Count = 1)

    # All at once, so that they differ.
    $listeners = foreach ($i in 1..$Count) {
        $listener = [System.Net.Sockets.TcpListener]::new([System.Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $listener
    }
    foreach ($listener in $listeners) {
        $listener.LocalEndpoint.Port
        $listener.Stop()
    }
}

function Start-InfluxServer {
    param([Parameter(Mandatory)] [string] $Directory, [switch] $Authentication)

    foreach ($attempt in 1..5) {
        # Between choosing a port and listening on it another process may take it.
        $http, $snapshot = Get-FreePort -Count 2
        $server = [pscustomobject]@{
            Directory = $Directory
            DataNode  = "127.0.0.1:$snapshot"
            HttpUri   = "http://127.0.0.1:$http"
            Log       = Join-Path $Directory 'influxd.log'
            Login     = $Authentication.IsPresent
            Process   = $null
        }
        if (Start-InfluxProcess $server) {
            return $server
        }
    }
    throw "influxd did not start. The end of its log:`n$(Get-Content -LiteralPath $server.Log -Tail 20 | Out-String)"
}

function Start-InfluxProcess {
    param([pscustomobject] $Server)

    $null = New-Item -ItemType Directory -Force -Path $Server.Directory
    $configuration = Join-Path $Server.Directory 'influxdb.conf'
    # Literal strings of TOML: backslashes of Windows paths mean themselves.
    Set-Content -LiteralPath $configuration -Value @"
reporting-disabled = true
bind-address = "$($Server.DataNode)"
[meta]
dir = '$(Join-Path $Server.Directory 'meta')'
[data]
dir = '$(Join-Path $Server.Directory 'data')'
wal-dir = '$(Join-Path $Server.Directory 'wal')'
index-version = "tsi1"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "$(([uri]$Server.HttpUri).Authority)"
log-enabled = false
auth-enabled = $($Server.Login.ToString().ToLowerInvariant())
"@
    $start = @{
        FilePath               = (Get-Command -Name influxd -CommandType Application | Select-Object -First 1).Source
        ArgumentList           = 'run', '-config', $configuration
        RedirectStandardError  = $Server.Log
        RedirectStandardOutput = $Server.Log + '.out'
        PassThru               = $true
    }
    $Server.Process = Start-Process @start
    $limit = [datetime]::UtcNow.AddSeconds(60)
    while (-not $Server.Process.HasExited -and [datetime]::UtcNow -lt $limit) {
        try {
            $null = Invoke-WebRequest -Uri "$($Server.HttpUri)/ping" -TimeoutSec 2 -Verbose:$false
            return $true
        }
        catch {
            Start-Sleep -Milliseconds 50
        }
    }
    Stop-InfluxServer $Server
    $false
}

function Stop-InfluxServer {
    param([pscustomobject] $Server)

    if ($Server -and $Server.Process -and -not $Server.Process.HasExited) {
        Stop-Process -Id $Server.Process.Id -Force
        $null = $Server.Process.WaitForExit(30000)
    }
}

function Invoke-Influx {
    <# The rows of the first series of a query, each as an object; nothing where there is none. #>
    param([pscustomobject] $Server, [string] $Query, [string] $Database = '')

    $body = @{ q = $Query; db = $Database; epoch = 'ns' }
    $answer = Invoke-RestMethod -Method Post -Uri "$($Server.HttpUri)/query" -Body $body -Verbose:$false
    foreach ($result in $answer.results) {
        if ($result.PSObject.Properties['error']) {
            throw $result.error
        }
        foreach ($series in $result.PSObject.Properties['series'] ? $result.series : @()) {
            foreach ($values in $series.PSObject.Properties['values'] ? $series.values : @()) {
                $row = [ordered]@{}
                for ($i = 0; $i -lt $series.columns.Count; $i++) {
                    $row[$series.columns[$i]] = $values[$i]
                }
                [pscustomobject]$row
            }
        }
    }
}

function Write-Influx {
    param([pscustomobject] $Server, [string] $Database, [string[]] $Line, [string] $RetentionPolicy = '')

    $uri = "$($Server.HttpUri)/write?db=$([uri]::EscapeDataString($Database))&rp=$([uri]::EscapeDataString($RetentionPolicy))"
    $body = [System.Text.Encoding]::UTF8.GetBytes($Line -join "`n")
    $null = Invoke-RestMethod -Method Post -Uri $uri -Body $body -ContentType 'text/plain; charset=utf-8' -Verbose:$false
}

function Wait-Influx {
    <# influxd reopens a shard that was restored some time after it has said that it is done. #>
    param([scriptblock] $Condition)

    $limit = [datetime]::UtcNow.AddSeconds(20)
    while ($true) {
        $last = ''
        try {
            if (& $Condition) { return }
        }
        catch {
            $last = "$_"
        }
        if ([datetime]::UtcNow -gt $limit) { throw "Waited too long for: $Condition $last" }
        Start-Sleep -Milliseconds 50
    }
}

function Add-SampleData {
    <# Database plant: three shards of a week, a second policy, a continuous query. Database 'it''s odd': a name that needs quotes. #>
    param([pscustomobject] $Server)

    Invoke-Influx $Server 'CREATE DATABASE "plant"'
    Invoke-Influx $Server 'CREATE RETENTION POLICY "five-years" ON "plant" DURATION 260w REPLICATION 1'
    Invoke-Influx $Server 'CREATE DATABASE "it''s odd"'
    Invoke-Influx $Server 'CREATE CONTINUOUS QUERY "hourly" ON "plant" BEGIN SELECT mean(value) AS value INTO "plant"."five-years".temperature FROM "plant"."autogen".temperature GROUP BY time(1h) END'

    # 2023-11-06 is the Monday on which a shard group of seven days begins.
    $start = [long]1699228800
    $lines = foreach ($week in 0..2) {
        foreach ($minute in 0..999) {
            "temperature,room=r$($minute % 5) value=$(($minute * 37 + $week) % 100).5,count=$($minute)i $(($start + $week * 604800 + $minute * 60))000000000"
        }
    }
    Write-Influx $Server 'plant' $lines
    $now = [System.DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
    Write-Influx $Server 'plant' "temperature,room=r1 value=1.5 ${now}000000000" -RetentionPolicy 'five-years'
    Write-Influx $Server "it's odd" "température,größe=ä\ b text=`"Zeile 1`" ${start}000000000"
}

function Get-FileSnapshot {
    <# Names of everything below a directory. #>
    param([string] $Directory)

    if (Test-Path -LiteralPath $Directory) {
        (Get-ChildItem -LiteralPath $Directory -Recurse -Force).Name
    }
}

Export-ModuleMember -Function Test-InfluxdInstalled, Get-FreePort, Start-InfluxServer, Stop-InfluxServer, Invoke-Influx, Write-Influx,
    Wait-Influx, Add-SampleData, Get-FileSnapshot
