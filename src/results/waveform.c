/* Waveforms as lossless chunks.
 *
 * A blob is, all numbers little-endian:
 *     "SWF1"       magic and version
 *     u32 n        rows
 *     u64 sum      checksum of n and of everything behind (checksum() below)
 *     12 columns   host_us, t exponent, t mantissa, e exponent, e mantissa, i exponent, i mantissa,
 *                  z exponent, z mantissa, cycle, sweep, range * 256 + status
 * A column is
 *     u8 kind      bit 0: residuals against the row before (else against a base), bit 1: packed (else runs)
 *     varint size  of the payload
 *     payload      varint base (only without bit 0, zigzag), then either
 *                  runs:   pairs of varint length, varint residual until n rows are there
 *                  packed: u8 width (1, 2, 4, 8), then n residuals of that width through c-blosc (zstd)
 *
 * Residuals are zigzag coded: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...; arithmetic is modulo 2^64, so every
 * int64 survives. A mantissa is predicted from the last number before it, brought to its own exponent by
 * whole multiplications or divisions, so that a change of range (and of prefix) costs no jump; a row that is
 * not a number has the residual of its mantissa against 0 and is not used for predictions. z is kept as a
 * mantissa with exponent 0 (picometres), "none" as not-a-number.
 *
 * Bits are shuffled rather than bytes where there are several: the bits of noise then lie apart from
 * the zeros above them, which saves a tenth (1.10 instead of 1.23 x the entropy of noise of 300 steps).
 *
 * Why a choice of base or previous row: white noise gets half a bit per sample worse by differences, ramps
 * and clocks get much better. The choice is made by counting bits: compressing twice would cost more than the
 * commit. */
#include "results/waveform.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <blosc.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed columns are copied as they lie in memory");

#define MAGIC       "SWF1"
#define HEAD_SIZE   16
#define KIND_DELTA  1
#define KIND_PACKED 2
#define KIND_KNOWN  (KIND_DELTA | KIND_PACKED)
#define COLUMNS     12
#define SAMPLING    8 /* rows per row looked at to estimate bits */

/* A column while it is coded. Exponents are given for mantissas only. */
struct column {
    int n;
    int64_t *v;
    const int64_t *exponent; /* NULL: plain integers */
};

/* --- numbers ------------------------------------------------------------------------------------------- */

static uint64_t zigzag(uint64_t x)
{
    return (x << 1) ^ (0 - (x >> 63));
}

static uint64_t unzigzag(uint64_t z)
{
    return (z >> 1) ^ (0 - (z & 1));
}

static bool constant(const int64_t *v, int n)
{
    return n == 0 || memcmp(v, v + 1, (size_t)(n - 1) * sizeof *v) == 0;
}

static int bits_of(uint64_t x)
{
    return x ? 64 - __builtin_clzll(x) : 0;
}

static void put_varint(struct buf *b, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        buf_char(b, (char)(x | 0x80));
    buf_char(b, (char)x);
}

/* What is left to read of a blob. */
struct reader {
    const unsigned char *p, *end;
};

static bool get_varint(struct reader *r, uint64_t *out)
{
    uint64_t x = 0;
    for (int shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        unsigned char c = *r->p++;
        if (shift == 63 && c > 1)
            return false;
        x |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *out = x;
            return true;
        }
    }
    return false;
}

/* 64 bits in which every change of the bytes shows: each word goes through a bijection of the whole state
 * (the finaliser of MurmurHash3), so one changed word always changes the sum. */
static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static uint64_t checksum(uint32_t rows, const void *bytes, size_t n)
{
    uint64_t h = mix(((uint64_t)rows << 32) ^ n);
    const unsigned char *p = bytes;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = mix((h + 1) ^ word);
    }
    uint64_t word = 0;
    if (n)
        memcpy(&word, p, n);
    return mix((h + 1) ^ word);
}

/* --- prediction ---------------------------------------------------------------------------------------- */

/* m x 10^from in units of 10^to, cut to a whole number; 0 where that does not fit. */
static int64_t at_exponent(int64_t m, int64_t from, int64_t to)
{
    for (; from > to && m; from--)
        if (__builtin_mul_overflow(m, 10, &m))
            return 0;
    for (; from < to && m; from++)
        m /= 10;
    return m;
}

/* The running prediction: last number seen. */
struct predictor {
    bool delta;
    int64_t last, exponent;
};

static struct predictor predictor(bool delta, int64_t base)
{
    return (struct predictor){.delta = delta, .last = delta ? 0 : base};
}

/* Both for columns with exponents. */
static inline int64_t predict(const struct predictor *p, const struct column *c, int k)
{
    if (c->exponent[k] == DEC_NAN_E)
        return 0;
    return p->delta ? at_exponent(p->last, p->exponent, c->exponent[k]) : p->last;
}

static inline void learn(struct predictor *p, const struct column *c, int k, int64_t value)
{
    if (!p->delta || c->exponent[k] == DEC_NAN_E)
        return;
    p->last = value;
    p->exponent = c->exponent[k];
}

/* --- packing ------------------------------------------------------------------------------------------- */

/* Residuals of a column and what they would cost. */
struct residuals {
    uint64_t *z;
    int64_t base;
    bool delta;
    uint64_t bits, any; /* sum of bit lengths, estimated; all residuals or-ed */
    int runs;
};

/* The mean of every eighth number, and what the column would cost against it, in bits. */
static uint64_t against_mean(const struct column *c, int64_t *base)
{
    double sum = 0;
    int count = 0;
    uint64_t bits = 0;
    for (int k = 0; k < c->n; k += SAMPLING) {
        if (c->exponent && c->exponent[k] == DEC_NAN_E)
            continue;
        sum += (double)c->v[k];
        count++;
    }
    double m = count ? sum / count : 0;
    *base = fabs(m) < 9e18 ? llround(m) : 0;
    for (int k = 0; k < c->n; k += SAMPLING)
        bits += (uint64_t)bits_of(zigzag((uint64_t)c->v[k] - (uint64_t)*base));
    return bits * SAMPLING;
}

/* Adds the residual of row k. */
static inline void note(struct residuals *r, int k, uint64_t z)
{
    r->any |= z;
    r->runs += k == 0 || z != r->z[k - 1];
    r->z[k] = z;
}

static void residuals_of(const struct column *c, bool delta, int64_t base, struct residuals *out)
{
    struct residuals r = {.z = out->z, .base = base, .delta = delta};
    if (c->exponent) {
        struct predictor p = predictor(delta, base);
        for (int k = 0; k < c->n; k++) {
            note(&r, k, zigzag((uint64_t)c->v[k] - (uint64_t)predict(&p, c, k)));
            learn(&p, c, k, c->v[k]);
        }
    } else if (delta) {
        for (int k = 0; k < c->n; k++)
            note(&r, k, zigzag((uint64_t)c->v[k] - (k ? (uint64_t)c->v[k - 1] : 0)));
    } else {
        for (int k = 0; k < c->n; k++)
            note(&r, k, zigzag((uint64_t)c->v[k] - (uint64_t)base));
    }
    for (int k = 0; k < c->n; k += SAMPLING)
        r.bits += SAMPLING * (uint64_t)bits_of(r.z[k]);
    *out = r;
}

static bool as_runs(const struct residuals *r, int n)
{
    return r->runs <= 2 + n / 32;
}

static void put_runs(const struct residuals *r, int n, struct buf *out)
{
    for (int k = 0; k < n;) {
        int from = k;
        while (k < n && r->z[k] == r->z[from])
            k++;
        put_varint(out, (uint64_t)(k - from));
        put_varint(out, r->z[from]);
    }
}

static int width_of(uint64_t any)
{
    int bits = bits_of(any);
    return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

/* What the general way would write for a column of equal numbers, which most columns are. */
static void put_constant(int64_t value, int n, struct buf *out)
{
    struct buf payload = {0};
    put_varint(&payload, 1);
    put_varint(&payload, zigzag((uint64_t)value));
    if (n > 1) {
        put_varint(&payload, (uint64_t)n - 1);
        put_varint(&payload, 0);
    }
    buf_char(out, KIND_DELTA);
    put_varint(out, payload.n);
    buf_add(out, payload.p, payload.n);
    buf_free(&payload);
}

/* Copies n residuals of `width` bytes to or from 64 bits. */
static void narrow_to(void *narrow, const uint64_t *z, int n, size_t width)
{
    switch (width) {
    case 1:
        for (int k = 0; k < n; k++)
            ((uint8_t *)narrow)[k] = (uint8_t)z[k];
        break;
    case 2:
        for (int k = 0; k < n; k++)
            ((uint16_t *)narrow)[k] = (uint16_t)z[k];
        break;
    case 4:
        for (int k = 0; k < n; k++)
            ((uint32_t *)narrow)[k] = (uint32_t)z[k];
        break;
    default:
        memcpy(narrow, z, (size_t)n * width);
    }
}

static void widen_from(const void *narrow, uint64_t *z, int n, size_t width)
{
    switch (width) {
    case 1:
        for (int k = 0; k < n; k++)
            z[k] = ((const uint8_t *)narrow)[k];
        break;
    case 2:
        for (int k = 0; k < n; k++)
            z[k] = ((const uint16_t *)narrow)[k];
        break;
    case 4:
        for (int k = 0; k < n; k++)
            z[k] = ((const uint32_t *)narrow)[k];
        break;
    default:
        memcpy(z, narrow, (size_t)n * width);
    }
}

static bool put_packed(const struct residuals *r, int n, struct buf *out, struct err *e)
{
    int width = width_of(r->any);
    size_t size = (size_t)n * (size_t)width;
    void *narrow = xmalloc(size);
    narrow_to(narrow, r->z, n, (size_t)width);
    buf_char(out, (char)width);
    buf_reserve(out, size + BLOSC_MAX_OVERHEAD);
    int got = blosc_compress_ctx(1, width > 1 ? BLOSC_BITSHUFFLE : BLOSC_NOSHUFFLE, (size_t)width, size,
                                 narrow, out->p + out->n, size + BLOSC_MAX_OVERHEAD, "zstd", 0, 1);
    free(narrow);
    if (got <= 0)
        return err_set(e, ERR_INTERNAL, "waveform of %d rows could not be compressed (c-blosc: %d)", n, got);
    out->n += (size_t)got;
    out->p[out->n] = '\0';
    return true;
}

static bool put_column(const struct column *c, uint64_t *z, struct buf *out, struct err *e)
{
    if (c->n && !c->exponent && constant(c->v, c->n)) {
        put_constant(c->v[0], c->n, out);
        return true;
    }
    struct residuals r = {.z = z};
    int64_t base;
    residuals_of(c, true, 0, &r);
    if (!as_runs(&r, c->n) && against_mean(c, &base) < r.bits)
        residuals_of(c, false, base, &r);
    bool runs = as_runs(&r, c->n), ok = true;
    struct buf payload = {0};
    if (!r.delta)
        put_varint(&payload, zigzag((uint64_t)r.base));
    if (runs)
        put_runs(&r, c->n, &payload);
    else
        ok = put_packed(&r, c->n, &payload, e);
    buf_char(out, (char)((r.delta ? KIND_DELTA : 0) | (runs ? 0 : KIND_PACKED)));
    put_varint(out, payload.n);
    buf_add(out, payload.p, payload.n);
    buf_free(&payload);
    return ok;
}

/* --- unpacking ----------------------------------------------------------------------------------------- */

static bool get_runs(struct reader *r, int n, uint64_t *z)
{
    for (int k = 0; k < n;) {
        uint64_t length, value;
        if (!get_varint(r, &length) || !get_varint(r, &value) || length == 0 || length > (uint64_t)(n - k))
            return false;
        while (length--)
            z[k++] = value;
    }
    return r->p == r->end;
}

static bool get_packed(struct reader *r, int n, uint64_t *z)
{
    if (r->p == r->end)
        return false;
    size_t width = *r->p++;
    size_t size = (size_t)n * width, told;
    if (width != 1 && width != 2 && width != 4 && width != 8)
        return false;
    if (blosc_cbuffer_validate(r->p, (size_t)(r->end - r->p), &told) != 0 || told != size)
        return false;
    void *narrow = xmalloc(size);
    bool ok = blosc_decompress_ctx(r->p, narrow, size, 1) == (int)size;
    if (ok)
        widen_from(narrow, z, n, width);
    free(narrow);
    return ok;
}

/* Reads the next column into c->v; z is scratch of c->n. */
static bool get_column(struct reader *r, struct column *c, uint64_t *z)
{
    uint64_t size, base = 0;
    if (r->p == r->end)
        return false;
    int kind = *r->p++;
    if ((kind & ~KIND_KNOWN) || !get_varint(r, &size) || size > (uint64_t)(r->end - r->p))
        return false;
    struct reader payload = {r->p, r->p + size};
    r->p += size;
    bool delta = kind & KIND_DELTA;
    if (!delta && !get_varint(&payload, &base))
        return false;
    bool packed = kind & KIND_PACKED;
    if (!(packed ? get_packed(&payload, c->n, z) : get_runs(&payload, c->n, z)))
        return false;
    uint64_t last = delta ? 0 : unzigzag(base);
    if (!c->exponent) {
        for (int k = 0; k < c->n; k++) {
            c->v[k] = (int64_t)(last + unzigzag(z[k]));
            last = delta ? (uint64_t)c->v[k] : last;
        }
        return true;
    }
    struct predictor p = predictor(delta, (int64_t)last);
    for (int k = 0; k < c->n; k++) {
        c->v[k] = (int64_t)((uint64_t)predict(&p, c, k) + unzigzag(z[k]));
        learn(&p, c, k, c->v[k]);
    }
    return true;
}

/* --- rows and columns ---------------------------------------------------------------------------------- */

/* Columns in the order of the blob: the exponents of a decimal column come before its mantissas. */
enum { HOST, T_E, T_M, E_E, E_M, I_E, I_M, Z_E, Z_M, CYCLE, SWEEP, RANGE_STATUS };

/* Rows to columns and back, each row once: a pass per column would fetch every row twelve times. */
static void gather(const struct wave_row *rows, int n, int64_t *const v[COLUMNS])
{
    for (int k = 0; k < n; k++) {
        const struct wave_row *w = &rows[k];
        bool no_z = w->z_pm == INT64_MIN;
        v[HOST][k] = w->host_us;
        v[T_E][k] = w->t.e;
        v[T_M][k] = w->t.m;
        v[E_E][k] = w->e_raw.e;
        v[E_M][k] = w->e_raw.m;
        v[I_E][k] = w->i_raw.e;
        v[I_M][k] = w->i_raw.m;
        v[Z_E][k] = no_z ? DEC_NAN_E : 0;
        v[Z_M][k] = no_z ? 0 : w->z_pm;
        v[CYCLE][k] = w->cycle;
        v[SWEEP][k] = w->sweep;
        v[RANGE_STATUS][k] = (int64_t)w->range << 8 | w->status;
    }
}

static void scatter(struct wave_row *rows, int n, int64_t *const v[COLUMNS])
{
    for (int k = 0; k < n; k++)
        rows[k] = (struct wave_row){
            .host_us = v[HOST][k],
            .t = {v[T_M][k], (int8_t)v[T_E][k]},
            .e_raw = {v[E_M][k], (int8_t)v[E_E][k]},
            .i_raw = {v[I_M][k], (int8_t)v[I_E][k]},
            .z_pm = v[Z_E][k] == DEC_NAN_E ? INT64_MIN : v[Z_M][k],
            .cycle = (int32_t)v[CYCLE][k],
            .sweep = (int16_t)v[SWEEP][k],
            .range = (uint16_t)(v[RANGE_STATUS][k] >> 8),
            .status = (uint8_t)v[RANGE_STATUS][k],
        };
}

/* What the cells of a column can be. */
static const struct {
    int64_t low, high;
} bounds[COLUMNS] = {
    [HOST] = {INT64_MIN, INT64_MAX},  [T_E] = {INT8_MIN, INT8_MAX},     [T_M] = {INT64_MIN, INT64_MAX},
    [E_E] = {INT8_MIN, INT8_MAX},     [E_M] = {INT64_MIN, INT64_MAX},   [I_E] = {INT8_MIN, INT8_MAX},
    [I_M] = {INT64_MIN, INT64_MAX},   [Z_E] = {DEC_NAN_E, 0},           [Z_M] = {INT64_MIN, INT64_MAX},
    [CYCLE] = {INT32_MIN, INT32_MAX}, [SWEEP] = {INT16_MIN, INT16_MAX}, [RANGE_STATUS] = {0, 0xffffff},
};

static bool within_bounds(int column, const int64_t *v, int n)
{
    int64_t low = n ? v[0] : 0, high = low;
    for (int k = 1; k < n; k++) {
        low = v[k] < low ? v[k] : low;
        high = v[k] > high ? v[k] : high;
    }
    return low >= bounds[column].low && high <= bounds[column].high;
}

/* All columns, and place for the residuals of one. */
struct work {
    int64_t *cells[COLUMNS];
    uint64_t *z;
};

static struct work work_new(int n)
{
    struct work w;
    int64_t *p = xmalloc((COLUMNS + 1) * ((size_t)n + 1) * sizeof *p);
    for (int c = 0; c < COLUMNS; c++, p += n)
        w.cells[c] = p;
    w.z = (uint64_t *)p;
    return w;
}

static void work_free(struct work *w)
{
    free(w->cells[0]);
}

/* A mantissa sees the exponents, which are the column before it, unless they are all the same number, in
 * which case they change nothing. */
static struct column column_of(const struct work *w, int column, int n)
{
    struct column c = {n, w->cells[column], NULL};
    if (column == T_M || column == E_M || column == I_M || column == Z_M) {
        const int64_t *exponent = w->cells[column - 1];
        if (n && (exponent[0] == DEC_NAN_E || !constant(exponent, n)))
            c.exponent = exponent;
    }
    return c;
}

static bool rows_valid(int n, struct err *e)
{
    if (n < 0 || n > WAVEFORM_CHUNK)
        return err_set(e, ERR_INTERNAL, "waveform chunk of %d rows: 0 to %d are possible", n, WAVEFORM_CHUNK);
    return true;
}

bool waveform_pack(const struct wave_row *rows, int n, struct buf *out, struct err *e)
{
    if (!rows_valid(n, e))
        return false;
    size_t start = out->n;
    unsigned char head[HEAD_SIZE] = MAGIC;
    uint32_t count = (uint32_t)n;
    memcpy(head + 4, &count, 4);
    buf_add(out, head, sizeof head);

    struct work w = work_new(n);
    gather(rows, n, w.cells);
    bool ok = true;
    for (int c = 0; ok && c < COLUMNS; c++) {
        struct column column = column_of(&w, c, n);
        ok = put_column(&column, w.z, out, e);
    }
    work_free(&w);
    if (!ok) {
        out->n = start;
        return false;
    }
    uint64_t sum = checksum(count, out->p + start + HEAD_SIZE, out->n - start - HEAD_SIZE);
    memcpy(out->p + start + 8, &sum, 8);
    return true;
}

static bool head_valid(const unsigned char *blob, size_t size, int n, struct err *e)
{
    uint32_t count;
    uint64_t sum;
    if (size < HEAD_SIZE || memcmp(blob, MAGIC, 4) != 0)
        return err_set(e, ERR_INPUT, "waveform: not a waveform chunk of a known version");
    memcpy(&count, blob + 4, 4);
    memcpy(&sum, blob + 8, 8);
    if (count != (uint32_t)n)
        return err_set(e, ERR_INPUT, "waveform: %" PRIu32 " rows where the index says %d", count, n);
    if (sum != checksum(count, blob + HEAD_SIZE, size - HEAD_SIZE))
        return err_set(e, ERR_INPUT, "waveform: damaged (checksum)");
    return true;
}

bool waveform_unpack(const void *blob, size_t size, struct wave_row *rows, int n, struct err *e)
{
    if (!rows_valid(n, e) || !head_valid(blob, size, n, e))
        return false;
    struct reader r = {(const unsigned char *)blob + HEAD_SIZE, (const unsigned char *)blob + size};
    struct work w = work_new(n);
    bool ok = true;
    for (int c = 0; ok && c < COLUMNS; c++) {
        struct column column = column_of(&w, c, n);
        ok = get_column(&r, &column, w.z) && within_bounds(c, column.v, n);
    }
    ok = ok && r.p == r.end;
    if (ok)
        scatter(rows, n, w.cells);
    work_free(&w);
    if (!ok)
        return err_set(e, ERR_INPUT, "waveform: damaged (contents)");
    return true;
}
