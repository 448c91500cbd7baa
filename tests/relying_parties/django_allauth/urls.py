"""Sign-in by django-allauth, and a page that shows what it knows."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.http import JsonResponse
from django.urls import include, path


def me(request):
    if not request.user.is_authenticated:
        return JsonResponse(None, safe=False)
    email = EmailAddress.objects.get(user=request.user)
    return JsonResponse(
        {
            "username": request.user.username,
            "name": request.user.get_full_name(),
            "email": email.email,
            "email_verified": email.verified,
            "sub": SocialAccount.objects.get(user=request.user).uid,
        }
    )


urlpatterns = [path("accounts/", include("allauth.urls")), path("me", me)]
