"""The commonest passwords that are long enough to pass the length rule, without case."""

from __future__ import annotations

COMMON = frozenset(
    """
    1234567890 0123456789 9876543210 0987654321 12345678910 123456789a a123456789 123456789q 1234567891 12345678900
    qwertyuiop qwerty1234 qwerty12345 qwerty123456 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 qwertyuiop123 1qaz2wsx3edc
    zaq12wsxcde3 asdfghjkl123 asdfghjklñ asdfghjkl1 zxcvbnm123 1234qwerasdf qazwsxedcrfv
    password12 password123 password1234 password123! passw0rd123 p@ssw0rd123 p@ssword123 mypassword thepassword
    administrator administrador admin12345 admin123456 adminadmin admin@1234 superadmin rootroot123 root123456
    contraseña contraseña1 contraseña123 contrasena contrasena1 contrasena12 contrasena123 micontraseña clave12345
    clave123456 secreto123 secreto1234 bienvenido bienvenido1 bienvenido123 bienvenidos welcome123 welcome1234
    letmein123 letmein1234 iloveyou12 iloveyou123 teamomucho tequiero123 teamo12345 mexico1234 mexico12345 vivamexico
    guadalajara monterrey1 futbol1234 americacampeon chivas12345 princess123 princesa123 football123 baseball123
    changeme123 cambiame123 temporal123 temporal1234 prueba1234 prueba12345 test123456 testing123 usuario123
    usuario1234 empresa123 empresa1234 abcd123456 abc1234567 abcdefghij abcdefghijk 1234abcd5678 sunshine123
    """.split()  # noqa: SIM905 - a block of words reads better than a hundred quoted ones
)
