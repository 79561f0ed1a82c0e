"""The shop's URLs."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("whatsapp/", include("django_meta_whatsapp.urls")),
]
