"""URLs of the test project: the product mounted as its documentation says."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("whatsapp/", include("django_meta_whatsapp.urls")),
]
