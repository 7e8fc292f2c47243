"""A playbook runs here by the console script, with a module and a filter of collections."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ {'a': {'b': 1}} | community.general.json_query('a.b') | default('none') }}"
    - ansible.builtin.command: "{{ ansible_playbook_python }} -c 'import jmespath; print(6 * 7)'"
      register: told
    - ansible.builtin.debug:
        var: told.stdout
"""
scripts = Path(sys.executable).parent
with tempfile.TemporaryDirectory() as directory:
    play = Path(directory) / "play.yml"
    play.write_text(PLAY, encoding="utf-8")
    environ = {
        **os.environ,
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        "HOME": directory,
        "LC_ALL": "C.UTF-8",
    }
    told = subprocess.run(
        [scripts / "ansible-playbook", play],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    print(
        told.returncode,
        [
            line.strip()
            for line in told.stdout.splitlines()
            if line.lstrip().startswith(('"msg"', '"told', "localhost "))
        ],
    )
    listed = subprocess.run(
        [scripts / "ansible-galaxy", "collection", "list", "--format", "json"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    names = {name for found in json.loads(listed.stdout).values() for name in found}
    # One that is private to ansible-core is found too where both lie in one directory.
    print(listed.returncode, len(names - {"ansible._protomatter"}))
