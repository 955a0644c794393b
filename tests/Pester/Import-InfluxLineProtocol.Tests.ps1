param([string] $ModulePath = (Join-Path $PSScriptRoot '..' '..' 'out' 'InfluxBackup'))

BeforeDiscovery {
    $hasNoServer = -not (Get-Command -Name influxd -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    Import-Module $ModulePath
    Import-Module (Join-Path $PSScriptRoot 'TestServer.psm1') -Force
}

Describe 'Import-InfluxLineProtocol' -Skip:$hasNoServer {
    BeforeAll {
        $server = Start-InfluxServer (Join-Path $TestDrive 'server')
        $to = @{ HttpUri = $server.HttpUri }
        $files = (New-Item -ItemType Directory (Join-Path $TestDrive 'files')).FullName
        $export = Join-Path $files 'export.lp.gz'
        Copy-Item (Join-Path $PSScriptRoot '..' 'Data' '1.6.7-inmem' 'export.lp.gz') $export
        Set-Content -LiteralPath (Join-Path $files 'a[1].lp') "m,t=a f=1 1`nm,t=a f=2 2"
        Set-Content (Join-Path $files 'b.lp') 'm,t=b f=3 3'
        Invoke-Influx $server 'CREATE DATABASE "db"'
    }

    AfterAll {
        Stop-InfluxServer $server
    }

    It 'imports an export and says which lines are not there' {
        $result = Import-InfluxLineProtocol $export @to -ErrorVariable failed -ErrorAction SilentlyContinue -WarningVariable warned -WarningAction SilentlyContinue
        $result.GetType().FullName | Should -Be 'InfluxBackup.Operations.ImportResult'
        "$($result.Outcome)" | Should -Be 'Partial'
        $result.PointsWritten | Should -Be 9110
        $result.Rejected | Should -Be 9
        $result.RejectPath | Should -Exist
        $failed.FullyQualifiedErrorId | Should -BeLike 'LinesRejected,*'
        $warned | Should -BeLike "*'#'*"
        (Invoke-Influx $server 'SHOW RETENTION POLICIES ON "golden"').name | Should -Contain 'century'
    }

    It 'shows with -WhatIf what it would do' {
        { Import-InfluxLineProtocol $export @to -NewDatabase nowhere -WhatIf } | Should -Throw -ErrorId 'ImportTargetAmbiguous,*'
        $plan = Import-InfluxLineProtocol (Join-Path $files 'b.lp') @to -Database nowhere -WhatIf
        $plan.Points | Should -Be 1
        $plan.Targets.Database | Should -Be 'nowhere'
        (Invoke-Influx $server 'SHOW DATABASES').name | Should -Not -Contain 'nowhere'
    }

    It 'takes <What>' -ForEach @(
        @{ What = 'wildcards, and passes over its own files'; Count = 2; Call = { Import-InfluxLineProtocol (Join-Path $files '*.lp') -Database db @to } }
        @{ What = 'a name with brackets'; Count = 1; Call = { Import-InfluxLineProtocol -LiteralPath (Join-Path $files 'a[1].lp') -Database db @to } }
        @{ What = 'files from the pipeline'; Count = 2; Call = { Get-ChildItem $files -Filter '*.lp' | Where-Object Name -notlike '*rejected*' | Import-InfluxLineProtocol -Database db @to } }
    ) {
        $results = @(& $Call)
        $results.Count | Should -Be $Count
        $results.Rejected | Should -Be (@(0) * $Count)
        (Invoke-Influx $server 'SELECT count(f) FROM m WHERE t = ''a''' db).count | Should -Be 2
    }

    It 'takes lines from the pipeline' {
        $result = 1..20000 | ForEach-Object { "piped f=$_ $_" } | Import-InfluxLineProtocol -Database db -Precision s @to
        $result.PointsWritten | Should -Be 20000
        (Invoke-Influx $server 'SELECT count(f) FROM piped' db).count | Should -Be 20000
    }

    It 'redirects to another database and policy' {
        Invoke-Influx $server 'CREATE DATABASE "copy" WITH NAME "keep"'
        $text = "# DDL`nCREATE DATABASE db WITH NAME autogen`n# DML`n# CONTEXT-DATABASE:db`n# CONTEXT-RETENTION-POLICY:autogen`nr f=1 1"
        (Import-InfluxLineProtocol -InputObject $text -NewDatabase copy -NewRetentionPolicy keep @to).PointsWritten | Should -Be 1
        (Invoke-Influx $server 'SELECT count(f) FROM copy.keep.r').count | Should -Be 1
    }

    It 'tells what is missing: <Id>' -ForEach @(
        @{ Id = 'DatabaseNotFound'; More = @{ Database = 'nope' } }
        @{ Id = 'RetentionPolicyNotFound'; More = @{ Database = 'db'; RetentionPolicy = 'nope' } }
    ) {
        $null = Import-InfluxLineProtocol (Join-Path $files 'b.lp') @to @More -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
    }

    It 'ends where the options make no sense, or there is no server' {
        { Import-InfluxLineProtocol (Join-Path $files 'b.lp') @to } | Should -Throw -ErrorId 'DatabaseRequired,*'

        { Import-InfluxLineProtocol (Join-Path $files 'b.lp') -Database db -HttpUri http://127.0.0.1:1 } | Should -Throw -ErrorId 'HttpUnreachable,*'
    }

    It 'goes on after one file that is not there' {
        $results = Import-InfluxLineProtocol (Join-Path $files 'none.lp'), (Join-Path $files 'b.lp') -Database db @to -ErrorAction SilentlyContinue -ErrorVariable failed
        $results.PointsWritten | Should -Be 1
        $failed.FullyQualifiedErrorId | Should -BeLike 'PathNotFound,*'
    }
}
