# The local Azure Batch alone, without Airflow. Tasks run in this container, with what is installed in it:
# build an image upon this one for programs that tasks need.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONPATH=/opt/emulator \
    PIP_NO_CACHE_DIR=1 \
    UV_NO_CACHE=1

WORKDIR /opt/emulator
COPY docker/emulator.lock LICENSE NOTICE ./
RUN pip install 'uv>=0.9,<1' \
    && uv pip sync --system --require-hashes emulator.lock \
    && pip uninstall --yes uv
COPY batch_emulator ./batch_emulator
# Tasks run as this user, and so does the emulator: compiled here, since it may not write there.
RUN python -m compileall -q batch_emulator \
    && useradd --create-home --uid 50000 batch \
    && mkdir /data \
    && chown batch /data
USER 50000
WORKDIR /data
# A named volume takes over the owner of the folder that it is mounted on.
VOLUME /data

# Inside a container the emulator must listen on the container's address to be reached at all: publish it on
# the host's loopback only (`docker run -p 127.0.0.1:10100:10100`), unless it has a key of its own (--key-env).
EXPOSE 10100
HEALTHCHECK --interval=10s --timeout=10s --start-period=10s \
    CMD ["python", "-m", "batch_emulator", "status", "--data-dir", "/data"]
ENTRYPOINT ["python", "-m", "batch_emulator"]
CMD ["serve", "--host", "0.0.0.0", "--data-dir", "/data"]
