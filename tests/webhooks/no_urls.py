"""A host that has mounted nothing."""

urlpatterns: list[object] = []
