/* Address, Host, Origin and token of the live page. */
#include "cli/web_gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* --- address ------------------------------------------------------------------------------------------- */

static bool port_parse(const char *text, in_port_t *out)
{
    int port = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
        return false;
    for (const char *c = text; *c; c++)
        port = 10 * port + (*c - '0');
    *out = htons((uint16_t)port);
    return port <= 65535;
}

/* Host without brackets into `host`; *port points behind the colon, or is NULL. false if it is neither. */
static bool split(const char *text, char *host, size_t n, const char **port)
{
    const char *end;
    size_t length;
    if (*text == '[') {
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        length = (size_t)(end - ++text);
        end++;
    } else {
        end = text + strcspn(text, ":");
        length = (size_t)(end - text);
    }
    if (length >= n)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = *end == ':' ? end + 1 : NULL;
    return true;
}

static bool is_loopback(const struct web_address *a)
{
    return a->v6 ? IN6_IS_ADDR_LOOPBACK(&a->at.v6.sin6_addr) : ntohl(a->at.v4.sin_addr.s_addr) >> 24 == 127;
}

/* Fills in the address of a literal or of "localhost". */
static bool literal(const char *host, struct web_address *a)
{
    const char *text = strcasecmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    memset(&a->at, 0, sizeof a->at);
    a->v6 = strchr(text, ':') != NULL;
    a->at.any.sa_family = a->v6 ? AF_INET6 : AF_INET;
    void *where = a->v6 ? (void *)&a->at.v6.sin6_addr : (void *)&a->at.v4.sin_addr;
    if (inet_pton(a->at.any.sa_family, text, where) != 1)
        return false;
    a->loopback = is_loopback(a);
    return true;
}

bool web_address_parse(const char *text, struct web_address *out, struct err *e)
{
    struct web_address a = {0};
    char host[64] = "127.0.0.1";
    const char *port = NULL;
    in_port_t number;
    if (strpbrk(text, ":[") && (!split(text, host, sizeof host, &port) || !port))
        return err_set(e, ERR_USAGE, "--serve wants ADDRESS:PORT or a port, such as 127.0.0.1:8080, not `%s`",
                       text);
    if (!port)
        port = text; /* nothing else was given */
    if (!port_parse(port, &number))
        return err_set(e, ERR_USAGE, "--serve: `%s` is no port (a number up to 65535)", port);
    if (!literal(*host ? host : "127.0.0.1", &a))
        return err_set(
            e, ERR_USAGE,
            "--serve: `%s` is no address of this machine in digits (127.0.0.1, 192.168.1.7, [::1])", host);
    if (a.v6)
        a.at.v6.sin6_port = number;
    else
        a.at.v4.sin_port = number;
    *out = a;
    return true;
}

const char *web_address_text(const struct web_address *a, int port, char *text, size_t n)
{
    char host[INET6_ADDRSTRLEN] = "";
    const void *where = a->v6 ? (const void *)&a->at.v6.sin6_addr : (const void *)&a->at.v4.sin_addr;
    inet_ntop(a->at.any.sa_family, where, host, sizeof host);
    snprintf(text, n, a->v6 ? "[%s]:%d" : "%s:%d", host, port);
    return text;
}

/* --- requests ------------------------------------------------------------------------------------------ */

/* "pc", or "pc.local" as zeroconf calls it. */
static bool is_own_name(const char *own, const char *host)
{
    size_t n = strlen(own);
    return n > 0 && strncasecmp(host, own, n) == 0 && (!host[n] || strcasecmp(host + n, ".local") == 0);
}

bool web_host_is_ours(const struct web_address *a, const char *own_name, const char *host)
{
    char name[256];
    const char *port;
    in_port_t number;
    struct web_address named;
    if (!host || !split(host, name, sizeof name, &port) || (port && !port_parse(port, &number)))
        return false;
    if (literal(name, &named))
        return named.loopback || !a->loopback;
    return !a->loopback && is_own_name(own_name, name);
}

bool web_origin_is_ours(const char *host, const char *origin, const char *site)
{
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (!origin)
        return true;
    const char *scheme = "http://";
    return host && strncmp(origin, scheme, strlen(scheme)) == 0 &&
           strcasecmp(origin + strlen(scheme), host) == 0;
}

bool web_site_read(const char *text, int *out)
{
    int site = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 9 || strspn(text, "0123456789") != n)
        return false;
    for (const char *c = text; *c; c++)
        site = 10 * site + (*c - '0');
    if (site < 1)
        return false;
    *out = site;
    return true;
}

/* --- token --------------------------------------------------------------------------------------------- */

bool web_token_make(char token[WEB_TOKEN + 1], struct err *e)
{
    unsigned char bytes[WEB_TOKEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_errno(e, ERR_IO, errno, "random numbers for the page's token");
    for (size_t k = 0; k < sizeof bytes; k++)
        snprintf(token + 2 * k, 3, "%02x", bytes[k]);
    return true;
}

bool web_token_is_right(const char token[WEB_TOKEN + 1], const char *given)
{
    size_t n = given ? strnlen(given, WEB_TOKEN + 1) : 0;
    const char *against = n == WEB_TOKEN ? given : "................................";
    volatile unsigned char different = n != WEB_TOKEN;
    for (size_t k = 0; k < WEB_TOKEN; k++)
        different |= (unsigned char)(token[k] ^ against[k]);
    return different == 0;
}
