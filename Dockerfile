# The bot alone; its data lives in the volume /data. Settings come from the environment (docs/operating.md).
# The base is pinned by its exact version in both stages; docs/releasing.md says when a newer one is taken.
FROM python:3.12.13-slim-trixie AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE NOTICES.md ./
RUN python -m venv /opt/twodeck \
    && /opt/twodeck/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    -r requirements.lock
COPY bot ./bot
COPY cogs ./cogs
# What only builds and installs stays behind.
RUN /opt/twodeck/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/twodeck/bin/pip uninstall --yes hatchling packaging pathspec pluggy tomlkit trove-classifiers pip

FROM python:3.12.13-slim-trixie
# ffmpeg, a program of its own with its own licence, decodes m4a. No installer stays in the image.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/* \
    && python -m pip uninstall --yes pip \
    && rm -rf /usr/local/lib/python3.12/ensurepip
RUN groupadd --gid 10001 twodeck \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin twodeck \
    && install -d -o twodeck -g twodeck -m 0700 /data
COPY LICENSE NOTICES.md /usr/share/doc/twodeck/
COPY --from=build /opt/twodeck /opt/twodeck
ENV TWODECK_DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=3 \
    CMD ["/opt/twodeck/bin/python", "-c", "from pathlib import Path; from bot.control import ask; ask(Path('/data'), {'do': 'engines'})"]
ENTRYPOINT ["/opt/twodeck/bin/twodeck"]
CMD ["run"]
