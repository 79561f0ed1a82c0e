"""What people write to opt out and in again, in several languages. Hosts set their own by OPT_OUT_WORDS and OPT_IN_WORDS.

Words that customers also write for other reasons (cancel, end, yes) are left out on purpose.
"""

OPT_OUT = (
    # English
    "stop",
    "stop all",
    "stop promotions",
    "unsubscribe",
    "opt out",
    # Spanish, Portuguese, Italian, French
    "baja",
    "darme de baja",
    "cancelar suscripción",
    "parar",
    "sair",
    "descadastrar",
    "cancelar inscrição",
    "disiscrivimi",
    "cancellami",
    "arrêt",
    "stopper",
    "me désabonner",
    "se désabonner",
    "désinscription",
    # German, Dutch, Swedish, Polish
    "stopp",
    "abmelden",
    "abbestellen",
    "afmelden",
    "uitschrijven",
    "avregistrera",
    "wypisz",
    # Turkish, Indonesian and Malay, Russian, Arabic, Hebrew
    "abonelikten çik",
    "berhenti",
    "berhenti langganan",
    "стоп",
    "отписаться",
    "إلغاء الاشتراك",
    "إيقاف",
    "הסר",
    # Hindi, Chinese, Japanese, Korean
    "रोकें",
    "बंद करें",
    "退订",
    "退訂",
    "取消订阅",
    "取消訂閱",
    "配信停止",
    "수신거부",
)

OPT_IN = (
    # English
    "start",
    "unstop",
    "subscribe",
    "opt in",
    "resume",
    # Spanish, Portuguese, Italian, French
    "alta",
    "darme de alta",
    "suscribirme",
    "inscrever",
    "iscrivimi",
    "m'abonner",
    "s'abonner",
    "reprendre",
    # German, Dutch, Swedish
    "anmelden",
    "abonnieren",
    "aanmelden",
    "inschrijven",
    "prenumerera",
    # Turkish, Indonesian and Malay, Russian, Arabic
    "abone ol",
    "berlangganan",
    "старт",
    "подписаться",
    "اشتراك",
    # Hindi, Chinese, Japanese, Korean
    "शुरू करें",
    "订阅",
    "訂閱",
    "配信再開",
    "수신동의",
)
