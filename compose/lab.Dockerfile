# Python with the lab's locked dependencies; the lab itself is mounted. For compose/load.yml.
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE}
COPY requirements.lock /tmp/requirements.lock
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.lock
ENV PYTHONPATH=/lab PYTHONUNBUFFERED=1
WORKDIR /lab
