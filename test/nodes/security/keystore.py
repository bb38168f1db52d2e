"""A keystore like that of `ros2 security`, which may be unavailable, created with openssl."""

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

GOVERNANCE = """<?xml version="1.0" encoding="UTF-8"?>
<dds><domain_access_rules><domain_rule>
  <domains><id_range><min>0</min><max>230</max></id_range></domains>
  <allow_unauthenticated_participants>false</allow_unauthenticated_participants>
  <enable_join_access_control>true</enable_join_access_control>
  <discovery_protection_kind>ENCRYPT</discovery_protection_kind>
  <liveliness_protection_kind>ENCRYPT</liveliness_protection_kind>
  <rtps_protection_kind>SIGN</rtps_protection_kind>
  <topic_access_rules><topic_rule>
    <topic_expression>*</topic_expression>
    <enable_discovery_protection>true</enable_discovery_protection>
    <enable_liveliness_protection>true</enable_liveliness_protection>
    <enable_read_access_control>true</enable_read_access_control>
    <enable_write_access_control>true</enable_write_access_control>
    <metadata_protection_kind>ENCRYPT</metadata_protection_kind>
    <data_protection_kind>ENCRYPT</data_protection_kind>
  </topic_rule></topic_access_rules>
</domain_rule></domain_access_rules></dds>
"""
PERMISSIONS = """<?xml version="1.0" encoding="UTF-8"?>
<dds><permissions><grant name="{enclave}">
  <subject_name>CN={enclave}</subject_name>
  <validity>
    <not_before>2020-01-01T00:00:00</not_before><not_after>2099-01-01T00:00:00</not_after>
  </validity>
  <allow_rule>
    <domains><id_range><min>0</min><max>230</max></id_range></domains>
    <publish><topics>{publish}</topics></publish>
    <subscribe><topics>{subscribe}</topics></subscribe>
  </allow_rule>
  <default>DENY</default>
</grant></permissions></dds>
"""


class Keystore:
    """Certificates and signed permissions in a folder, see `ROS_SECURITY_KEYSTORE`."""

    def __init__(self, folder: Path) -> None:
        """Make the authority and the rules of all domains."""
        self.folder = folder
        self._key, self._certificate = folder / 'ca.key.pem', folder / 'ca.cert.pem'
        folder.mkdir()
        _make_key(self._key)
        _openssl('req -x509 -days 3650 -subj /CN=authority', self._key, '-out', self._certificate)
        (folder / 'governance.xml').write_text(GOVERNANCE)

    def add(self, policy: Path) -> None:
        """Make the enclaves of a policy."""
        for enclave in ElementTree.parse(policy).getroot().iter('enclave'):
            self._add(enclave)

    def _add(self, enclave: ElementTree.Element) -> None:
        path = enclave.attrib['path']
        folder = self.folder / 'enclaves' / path.strip('/')
        folder.mkdir(parents=True)
        key, request = folder / 'key.pem', folder / 'request.pem'
        _make_key(key)
        subject = '/CN=' + path.replace('/', r'\/')
        _openssl(f'req -new -subj {subject}', key, '-out', request)
        authority = ['-CA', self._certificate, '-CAkey', self._key, '-CAcreateserial']
        signed = ['-in', request, '-out', folder / 'cert.pem', *authority]
        _run('openssl', 'x509', '-req', '-days', '3650', *signed)
        for name in ('identity_ca.cert.pem', 'permissions_ca.cert.pem'):
            (folder / name).write_bytes(self._certificate.read_bytes())
        (folder / 'permissions.xml').write_text(permissions_of(enclave))
        self._sign(folder / 'permissions.xml', folder / 'permissions.p7s')
        self._sign(self.folder / 'governance.xml', folder / 'governance.p7s')

    def _sign(self, text: Path, signed: Path) -> None:
        signer = ['-signer', self._certificate, '-inkey', self._key]
        _run('openssl', 'smime', '-sign', '-text', '-in', text, '-out', signed, *signer)


def permissions_of(enclave: ElementTree.Element) -> str:
    """Return the permissions of DDS that follow from the policy of an enclave."""
    topics: dict[str, list[str]] = {'publish': [], 'subscribe': []}
    for profile in enclave.iter('profile'):
        for rule in profile:
            for item in rule:
                name = full_name(profile.attrib['ns'], profile.attrib['node'], item.text or '')
                if rule.tag == 'topics':
                    for verb in topics:
                        topics[verb] += [f'rt{name}'] if rule.get(verb) == 'ALLOW' else []
                for verb, asks, answers in (
                    ('reply', 'subscribe', 'publish'),
                    ('request', 'publish', 'subscribe'),
                ):
                    if rule.get(verb) == 'ALLOW':
                        topics[asks].append(f'rq{name}Request')
                        topics[answers].append(f'rr{name}Reply')
    lists = {
        verb: ''.join(f'<topic>{name}</topic>' for name in ['ros_discovery_info', *names])
        for verb, names in topics.items()
    }
    return PERMISSIONS.format(enclave=enclave.attrib['path'], **lists)


def full_name(namespace: str, node: str, name: str) -> str:
    """Return the full name of a topic or service in a policy."""
    namespace = namespace.rstrip('/')
    if name.startswith('/'):
        return name
    return f'{namespace}/{node}{name[1:]}' if name.startswith('~') else f'{namespace}/{name}'


def _make_key(path: Path) -> None:
    _run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path)


def _openssl(command: str, key: Path, *more: object) -> None:
    _run('openssl', *command.split(), '-key', key, *more)


def _run(*command: object) -> None:
    # ROS 2 may bring an OpenSSL that is not the one of the program.
    variables = {name: value for name, value in os.environ.items() if name != 'LD_LIBRARY_PATH'}
    words = [str(word) for word in command]
    subprocess.run(words, check=True, capture_output=True, env=variables)
