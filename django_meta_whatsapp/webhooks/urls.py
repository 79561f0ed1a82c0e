"""Where Meta posts."""

from django.urls import path

from django_meta_whatsapp.webhooks import views

urlpatterns = [path("webhook/", views.webhook, name="webhook")]
