# The bot alone; its data lives in the volume /data. Settings come from the environment (docs/operating.md).
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/twodeck
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN /opt/twodeck/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    -r requirements.lock
COPY bot ./bot
COPY cogs ./cogs
RUN /opt/twodeck/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data twodeck && install -d -o twodeck -g twodeck /data
COPY --from=build /opt/twodeck /opt/twodeck
ENV TWODECK_DATA_DIR=/data PYTHONUNBUFFERED=1
USER twodeck
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/twodeck/bin/twodeck"]
CMD ["run"]
