#!/bin/sh
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PKIs that are not ours, by the openssl command alone.
#   sign.sh init FOLDER              a root CA and an issuing CA below it: root.pem, chain.pem, issuing-key.pem
#   sign.sh stranger FOLDER          a client of the root itself: stranger/{cert,key}.pem
#   sign.sh sign FOLDER              what sign_command is: a request on stdin, the chain on stdout
#   sign.sh machine FOLDER ADDRESS   the files of docker-machine, as Docker's documentation makes them

set -eu
folder=$2
cd "$folder"

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

case $1 in
    init)
        new_key root-key.pem
        openssl req -x509 -new -key root-key.pem -subj "/O=Company/CN=Root" -days 3650 -out root.pem \
            -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
        new_key issuing-key.pem
        openssl req -new -key issuing-key.pem -subj "/O=Company/CN=Docker issuing" -out issuing.csr
        printf '%s\n' "basicConstraints=critical,CA:TRUE,pathlen:0" "keyUsage=critical,keyCertSign,cRLSign" \
            "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid" > issuing.ext
        openssl x509 -req -in issuing.csr -CA root.pem -CAkey root-key.pem -CAcreateserial -days 1825 \
            -extfile issuing.ext -out issuing.pem
        cat issuing.pem root.pem > chain.pem
        ;;
    stranger)
        mkdir -p stranger
        new_key stranger/key.pem
        openssl req -new -key stranger/key.pem -subj "/CN=stranger" -out stranger.csr
        printf '%s\n' "extendedKeyUsage=clientAuth" "authorityKeyIdentifier=keyid" > stranger.ext
        openssl x509 -req -in stranger.csr -CA root.pem -CAkey root-key.pem -CAcreateserial -days 30 \
            -extfile stranger.ext -out stranger/cert.pem
        ;;
    sign)
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        cat > "$work/csr"
        printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
            "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid" > "$work/ext"
        openssl x509 -req -in "$work/csr" -CA issuing.pem -CAkey issuing-key.pem -days 90 -set_serial "0x$(openssl rand -hex 16)" \
            -extfile "$work/ext" -copy_extensions copyall -out "$work/cert" 2> /dev/null
        cat "$work/cert" issuing.pem
        ;;
    machine)
        openssl genrsa -out ca-key.pem 2048
        openssl req -new -x509 -days 365 -key ca-key.pem -sha256 -subj "/O=machine" -out ca.pem
        openssl genrsa -out server-key.pem 2048
        openssl req -subj "/CN=machine" -sha256 -new -key server-key.pem -out server.csr
        printf '%s\n' "subjectAltName=IP:$3,IP:127.0.0.1" "extendedKeyUsage=serverAuth" > server.ext
        openssl x509 -req -days 365 -sha256 -in server.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out server.pem \
            -extfile server.ext
        openssl genrsa -out key.pem 2048
        openssl req -subj "/CN=client" -new -key key.pem -out client.csr
        printf '%s\n' "extendedKeyUsage=clientAuth" > client.ext
        openssl x509 -req -days 365 -sha256 -in client.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out cert.pem \
            -extfile client.ext
        ;;
esac
