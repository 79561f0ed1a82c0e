"""What we ship: the wheel holds all it needs, and works in an empty project as README says."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    _run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)], cwd=out
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    ours = {
        str(path.relative_to(ROOT))
        for package in ("django_meta_whatsapp", "whatsapp_simulator")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"django_meta_whatsapp/py.typed", "whatsapp_simulator/py.typed"} <= shipped
    assert "django_meta_whatsapp/migrations/0001_initial.py" in shipped
    assert ours <= shipped


def test_the_wheel_works_in_an_empty_project(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    _run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(installed), str(wheel)],
        cwd=tmp_path,
    )
    env = {**os.environ, "PYTHONPATH": str(installed), "DJANGO_SETTINGS_MODULE": "host.settings"}
    _run(
        [sys.executable, "-m", "django", "startproject", "host", "."],
        cwd=tmp_path,
        env={**env, "DJANGO_SETTINGS_MODULE": ""},
    )
    with (tmp_path / "host" / "settings.py").open("a") as settings:
        settings.write(
            'INSTALLED_APPS += ["django_meta_whatsapp"]\n'
            'WHATSAPP = {"ACCESS_TOKEN": "t", "PHONE_NUMBER_ID": "1", "WABA_ID": "2", "APP_SECRET": "s", "VERIFY_TOKEN": "v"}\n'
        )
    with (tmp_path / "host" / "urls.py").open("a") as urls:
        urls.write(
            "from django.urls import include\n"
            'urlpatterns += [path("whatsapp/", include("django_meta_whatsapp.urls"))]\n'
        )
    _run([sys.executable, "manage.py", "check", "--fail-level", "WARNING"], cwd=tmp_path, env=env)
    _run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=tmp_path, env=env)
    told = _run(
        [
            sys.executable,
            "manage.py",
            "shell",
            "-c",
            "import django_meta_whatsapp, django_meta_whatsapp.utils as u; print(django_meta_whatsapp.__file__, len(u.__all__))",
        ],
        cwd=tmp_path,
        env=env,
    )
    assert str(installed) in told


def _run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
