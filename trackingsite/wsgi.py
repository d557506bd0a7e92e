import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trackingsite.settings")
application = get_wsgi_application()
import_module("trackingsite.lookout").watch_from_the_web()  # it needs the models, which are there from here on
