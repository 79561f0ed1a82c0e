"""Where the product is mounted: `path("whatsapp/", include("django_meta_whatsapp.urls"))`."""

from django.urls import URLPattern, URLResolver

from django_meta_whatsapp.webhooks.urls import urlpatterns as webhook_urls

app_name = "django_meta_whatsapp"

urlpatterns: list[URLPattern | URLResolver] = [*webhook_urls]
