# The lab's own anvil image, for places that cannot pull one. `lab image build` supplies the context: a folder `root`
# with the anvil binary, the shared libraries it is linked against, and an empty /tmp. Labels carry version and digest.
# BASE is an image with glibc where the libraries of this machine are not the engine's, as on macOS.
ARG BASE=scratch
FROM ${BASE}
COPY root/ /
ENV HOME=/tmp
EXPOSE 8545
ENTRYPOINT ["/usr/local/bin/anvil"]
