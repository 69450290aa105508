# Everything the project asks of a change, on Windows: the tests, and a store PC's commands for real.
# Run it in PowerShell from anywhere: .ci\windows.ps1 [-Python 3.12]. Needs Python of python.org only.
param([string]$Python = "3.12")
Set-StrictMode -Version Latest
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..")
$env:CI = "1"
$env:UV_PROJECT_ENVIRONMENT = ".venv"
$env:UV_PYTHON_DOWNLOADS = "never"

function Invoke-Step([string]$Name, [string[]]$Words) {
    Write-Output "== $Name"
    & $Words[0] $Words[1..($Words.Length - 1)]
    if ($LASTEXITCODE -ne 0) { throw "$Name ended with $LASTEXITCODE" }
}

if (-not (Test-Path ".venv\Scripts\python.exe")) {
    Invoke-Step "environment" @("py", "-$Python", "-m", "venv", ".venv")
}
$bin = ".venv\Scripts"
Invoke-Step "uv" @("$bin\python.exe", "-m", "pip", "install", "--quiet", "uv>=0.11,<1")
Invoke-Step "packages" @("$bin\uv.exe", "--quiet", "sync", "--locked")

Invoke-Step "format" @("$bin\ruff.exe", "format", "--check", ".")
Invoke-Step "lint" @("$bin\ruff.exe", "check", ".")
Invoke-Step "types" @("$bin\mypy.exe", "--platform", "win32")
Invoke-Step "layers" @("$bin\lint-imports.exe", "--no-logo")
Invoke-Step "dependencies" @("$bin\deptry.exe", ".")
Invoke-Step "spelling" @("$bin\codespell.exe")
# Real processes are tried by the commands below; what those tests do with signals is of POSIX.
Invoke-Step "tests" @("$bin\pytest.exe", "-q", "-m", "not e2e")

# A store PC's first day, in a folder whose name a Chinese user may have chosen, and on a console of
# the code page that Windows has in China.
chcp 936 | Out-Null
$place = Join-Path $env:TEMP ("washnode-" + [guid]::NewGuid())
$data = Join-Path $place "data"
$odd = Join-Path $place ([string][char]0x5E97 + [char]0x94FA)
$wash = "$bin\washnode.exe"
$env:WASH_RPC_PORT = "0"
try {
    Invoke-Step "init" @($wash, "init", $data, "--no-passphrase")
    $node = Start-Process -FilePath $wash -ArgumentList "run", "--data", $data -PassThru -NoNewWindow
    $end = (Get-Date).AddSeconds(60)
    while (-not (Test-Path (Join-Path $data "node.json"))) {
        if ($node.HasExited -or (Get-Date) -gt $end) { throw "the node does not start" }
        Start-Sleep -Milliseconds 200
    }
    $pin = Join-Path $place "pin.txt"
    Set-Content -Path $pin -Value "246810"
    $shop = Join-Path $place "shop"
    Invoke-Step "setup" @($wash, "setup", "--name", "Crystal", "--pin-file", $pin, "--unlock", "file",
        "--card", (Join-Path $place "card.html"), "--data", $shop)
    Invoke-Step "service" @($wash, "service", "install", "--print", "--data", $data)
    Invoke-Step "outbox" @($wash, "outbox", "list", "--data", $data)
    Invoke-Step "status" @($wash, "status", "--data", $data, "--lang", "zh")
    Invoke-Step "backup" @($wash, "backup", "create", $odd, "--data", $data)
    Invoke-Step "doctor" @($wash, "doctor", "--data", $data, "--lang", "zh")
    Stop-Process -Id $node.Id -Force   # a pulled plug: the next start mends it
    $node = Start-Process -FilePath $wash -ArgumentList "run", "--data", $data -PassThru -NoNewWindow
    Start-Sleep -Seconds 10
    Invoke-Step "stop" @($wash, "stop", "--data", $data)
    Invoke-Step "backup test" @($wash, "backup", "test", $odd)
    Invoke-Step "database" @($wash, "db", "verify", "--data", $data)
} finally {
    if ($null -ne $node -and -not $node.HasExited) { Stop-Process -Id $node.Id -Force }
    Remove-Item -Recurse -Force $place -ErrorAction SilentlyContinue
}
Write-Output "All is well."
