/*
 * Both ends of `scripts/bench latency`: a stand-in for a gateway that answers at once, and a client
 * that measures. Little is done between two system calls, so that the way between them is what is
 * measured.
 *
 *   latency serve ADDRESS PORT...     answers on each port, a process for each connection
 *   latency container                 the same as the first process of an image: on the ports 4003 and 4004,
 *                                     or with RELAY=yes behind socat, as the images of gateways do it
 *   latency ask HOST PORT COUNT       round trips of reqCurrentTime: microseconds p50 p99 p99.9 least
 *   latency stream HOST PORT COUNT    ticks as fast as they come: ticks in a second
 *
 * The protocol is the IB API's: frames with their length in front, fields that end with a zero byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No run may go on for longer, whatever the other side does. */
#define SECONDS_AT_MOST 60
#define MOST 1000000
/* Ticks that a real gateway would send in one write come together in segments; so do these. */
#define TICKS_A_WRITE 20

static void fail(const char *what) {
  fprintf(stderr, "latency: %s: %s\n", what, errno ? strerror(errno) : "not as it should be");
  exit(1);
}

static void write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t done = write(fd, bytes, length);
    if (done <= 0) exit(0);
    bytes += done;
    length -= (size_t)done;
  }
}

/* What was read ahead of the frame that is wanted. */
static struct {
  char bytes[1 << 16];
  size_t start, end;
} input;

static int read_exactly(int fd, char *to, size_t length) {
  while (length > 0) {
    if (input.start == input.end) {
      ssize_t got = read(fd, input.bytes, sizeof input.bytes);
      if (got <= 0) return 0;
      input.start = 0;
      input.end = (size_t)got;
    }
    size_t part = input.end - input.start;
    if (part > length) part = length;
    memcpy(to, input.bytes + input.start, part);
    input.start += part;
    to += part;
    length -= part;
  }
  return 1;
}

/* One frame without its length; 0: the other side has closed. */
static size_t read_frame(int fd, char *frame, size_t room) {
  uint32_t length;
  if (!read_exactly(fd, (char *)&length, sizeof length)) return 0;
  length = ntohl(length);
  if (length == 0 || length > room) fail("a frame");
  return read_exactly(fd, frame, length) ? length : 0;
}

static size_t put_frame(char *to, const char *fields, size_t length) {
  uint32_t prefix = htonl((uint32_t)length);
  memcpy(to, &prefix, sizeof prefix);
  memcpy(to + sizeof prefix, fields, length);
  return length + sizeof prefix;
}

static void at_once(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  errno = 0;
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(host);
  return address;
}

static long count_of(const char *text) {
  long count = strtol(text, NULL, 10);
  errno = 0;
  if (count < 1 || count > MOST) fail("COUNT: should be 1 to 1000000");
  return count;
}

/* ---- the gateway ---- */

static void stream(int fd, long count) {
  /* tickPrice: message, version, request, field, price, size, attributes */
  static const char tick[] = "1\0" "6\0" "1\0" "4\0" "412.25\0" "300\0" "1";
  char batch[TICKS_A_WRITE * (sizeof tick + 4)];
  while (count > 0) {
    size_t length = 0;
    for (int i = 0; i < TICKS_A_WRITE && count > 0; i++, count--)
      length += put_frame(batch + length, tick, sizeof tick);
    write_all(fd, batch, length);
  }
}

static void converse(int fd) {
  char frame[4096], hello[4];
  at_once(fd);
  if (!read_exactly(fd, hello, 4) || memcmp(hello, "API", 4) != 0) return;
  if (read_frame(fd, frame, sizeof frame) == 0) return;
  static const char version[] = "187\0" "20260101 00:00:00 UTC";
  static const char now[] = "49\0" "1\0" "1767225600";
  char greeting[sizeof version + 4], answer[sizeof now + 4];
  write_all(fd, greeting, put_frame(greeting, version, sizeof version));
  size_t length = put_frame(answer, now, sizeof now);
  while (read_frame(fd, frame, sizeof frame - 1) > 0) {
    if (strcmp(frame, "49") == 0) write_all(fd, answer, length);
    /* reqMktData of the bench: message, count */
    else if (strcmp(frame, "1") == 0) stream(fd, count_of(frame + 2));
  }
}

static int serve(const char *host, char **ports) {
  /* The first process of a container has no default for signals. */
  signal(SIGTERM, _exit);
  signal(SIGCHLD, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  for (; *ports != NULL; ports++) {
    if (ports[1] != NULL && fork() != 0) continue;
    struct sockaddr_in address = address_of(host, *ports);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
    if (listen(listener, 64) != 0) fail("listen");
    for (;;) {
      int fd = accept(listener, NULL, NULL);
      if (fd < 0) continue;
      if (fork() == 0) {
        close(listener);
        converse(fd);
        _exit(0);
      }
      close(fd);
    }
  }
  return 0;
}

static void relay(const char *from, const char *to) {
  if (fork() != 0) return;
  execl("/usr/bin/socat", "socat", from, to, (char *)NULL);
  fail("socat");
}

static int contain(void) {
  static char *behind[] = {"4001", "4002", NULL}, *open[] = {"4003", "4004", NULL};
  const char *wanted = getenv("RELAY");
  if (wanted == NULL || strcmp(wanted, "yes") != 0) return serve("0.0.0.0", open);
  relay("TCP-LISTEN:4003,fork", "TCP:127.0.0.1:4001");
  relay("TCP-LISTEN:4004,fork", "TCP:127.0.0.1:4002");
  return serve("127.0.0.1", behind);
}

/* ---- the client ---- */

static int greet(const char *host, const char *port) {
  struct sockaddr_in address = address_of(host, port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  at_once(fd);
  write_all(fd, "API\0\0\0\0\x09v100..187", 17);
  char frame[4096];
  if (read_frame(fd, frame, sizeof frame) == 0) fail("no handshake");
  return fd;
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int ask(const char *host, const char *port, long count) {
  int fd = greet(host, port);
  static const char question[] = "49\0" "1";
  char bytes[sizeof question + 4], frame[4096];
  size_t length = put_frame(bytes, question, sizeof question);
  uint64_t *times = calloc((size_t)count, sizeof *times);
  /* The first ones find cold caches. */
  for (long i = -count / 20 - 1; i < count; i++) {
    uint64_t start = nanoseconds();
    write_all(fd, bytes, length);
    if (read_frame(fd, frame, sizeof frame) == 0) fail("closed");
    if (i >= 0) times[i] = nanoseconds() - start;
  }
  qsort(times, (size_t)count, sizeof *times, by_size);
  printf("%.1f %.1f %.1f %.1f\n", times[count / 2] / 1e3, times[count * 99 / 100] / 1e3,
         times[count * 999 / 1000] / 1e3, times[0] / 1e3);
  return 0;
}

static int take_stream(const char *host, const char *port, long count) {
  int fd = greet(host, port);
  char fields[32] = "1", bytes[64], frame[4096];
  int digits = sprintf(fields + 2, "%ld", count);
  size_t length = put_frame(bytes, fields, (size_t)digits + 3);
  uint64_t start = nanoseconds();
  write_all(fd, bytes, length);
  for (long i = 0; i < count; i++)
    if (read_frame(fd, frame, sizeof frame) == 0) fail("closed");
  printf("%.0f\n", (double)count / ((double)(nanoseconds() - start) / 1e9));
  return 0;
}

int main(int argc, char **argv) {
  if (argc >= 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], argv + 3);
  if (argc == 2 && strcmp(argv[1], "container") == 0) return contain();
  if (argc == 5) {
    alarm(SECONDS_AT_MOST);
    if (strcmp(argv[1], "ask") == 0) return ask(argv[2], argv[3], count_of(argv[4]));
    if (strcmp(argv[1], "stream") == 0) return take_stream(argv[2], argv[3], count_of(argv[4]));
  }
  fprintf(stderr, "usage: latency serve ADDRESS PORT... | container | ask|stream HOST PORT COUNT\n");
  return 64;
}
