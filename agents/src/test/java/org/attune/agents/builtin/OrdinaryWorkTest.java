package org.attune.agents.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.agents.sandbox.PythonHome;
import org.attune.agents.sandbox.SandboxConfig;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// What programs do every day works in the sandbox as it does outside.
@Tag("thorough")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OrdinaryWorkTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 1, 0, 0);

    record Work(Language language, String name, String code, String output) {
        @Override
        public String toString() {
            return language.key() + ": " + name;
        }
    }

    private final Map<Language, String> names = new EnumMap<>(Language.class);
    private CodeTools tools;
    private ToolSet episode;

    @BeforeAll
    void open() throws Exception {
        names.put(Language.JAVA, "java");
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
        names.put(Language.SH, "sh");
        assumeTrue(PythonHome.find().isPresent());
        names.put(Language.PYTHON, "python");
        CodeConfig config =
                CodeConfig.DEFAULTS
                        .withSandbox(SandboxConfig.DEFAULTS.withRequire(Set.of()))
                        .withTimeout(Duration.ofSeconds(60));
        tools = CodeTools.open(names, config, Optional.empty());
        episode = tools.open(START);
    }

    @AfterAll
    void close() throws Exception {
        if (tools != null) {
            episode.close();
            tools.close();
        }
    }

    static Stream<Work> work() {
        return Stream.of(ofProcesses(), inPython(), inPythonOfTheSystem(), inShell(), inJava())
                .flatMap(List::stream);
    }

    private static Work python(String name, String code, String output) {
        return new Work(Language.PYTHON, name, code, output);
    }

    private static Work shell(String name, String code, String output) {
        return new Work(Language.SH, name, code, output);
    }

    private static Work java(String name, String code, String output) {
        return new Work(Language.JAVA, name, code, output);
    }

    private static List<Work> ofProcesses() {
        return List.of(
                python(
                        "processes",
                        """
                        import subprocess, sys
                        print(subprocess.run(["sort"], input="b\\na\\n", text=True, capture_output=True).stdout.split())
                        print(subprocess.check_output([sys.executable, "-c", "print(2)"], start_new_session=True).decode().strip())
                        p = subprocess.Popen(["sleep", "60"]); p.terminate(); print(p.wait())
                        """,
                        "['a', 'b']\n2\n-15"),
                python(
                        "many threads",
                        """
                        import threading
                        meet, met = threading.Barrier(41), []
                        def run(): met.append(bytearray(1000)); meet.wait()
                        threads = [threading.Thread(target=run) for i in range(40)]
                        for t in threads: t.start()
                        meet.wait()
                        for t in threads: t.join()
                        print(len(met), len([0] * 25_000_000))
                        """,
                        "40 25000000"),
                python(
                        "processes of another user and less urgent ones",
                        """
                        import os
                        print(os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {}, resetids=True), 0)[1] >> 8)
                        print(os.nice(1) > 0)
                        """,
                        "3\nTrue"),
                python(
                        "threads",
                        """
                        from concurrent.futures import ThreadPoolExecutor
                        with ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda x: x * x, range(100))))
                        """,
                        "328350"),
                python(
                        "a pool of processes",
                        """
                        import multiprocessing
                        def square(x): return x * x
                        if __name__ == "__main__":
                            with multiprocessing.Pool(3) as pool: print(pool.map(square, range(5)))
                            q = multiprocessing.Queue(); q.put(7); print(q.get())
                            with multiprocessing.get_context("spawn").Pool(2) as pool: print(pool.map(square, [3]))
                        """,
                        "[0, 1, 4, 9, 16]\n7\n[9]"));
    }

    private static List<Work> inPython() {
        return List.of(
                python(
                        "temporary files",
                        """
                        import tempfile, os, shutil
                        with tempfile.TemporaryDirectory() as d:
                            with open(os.path.join(d, "a"), "w") as f: f.write("x")
                            shutil.copy2(os.path.join(d, "a"), os.path.join(d, "b")); shutil.copytree(d, "copied")
                        with tempfile.TemporaryFile() as f: f.write(b"yy"); print(f.tell())
                        print(sorted(os.listdir("copied"))); shutil.rmtree("copied")
                        """,
                        "2\n['a', 'b']"),
                python(
                        "a database, and what waits",
                        """
                        import sqlite3, asyncio
                        c = sqlite3.connect("data.db"); c.execute("create table t (x)"); c.execute("insert into t values (3)"); c.commit()
                        print(sqlite3.connect("data.db").execute("select x from t").fetchall())
                        async def main():
                            await asyncio.sleep(0.01)
                            p = await asyncio.create_subprocess_exec("echo", "waited", stdout=asyncio.subprocess.PIPE)
                            print((await p.stdout.read()).decode().strip(), await p.wait())
                        asyncio.run(main())
                        """,
                        "[(3,)]\nwaited 0"),
                python(
                        "what is packed, and texts",
                        """
                        import bz2, gzip, json, lzma, re, tarfile, zipfile, zlib
                        data = json.dumps(list(range(10000))).encode()
                        print(all(m.decompress(m.compress(data)) == data for m in (zlib, gzip, bz2, lzma)))
                        with zipfile.ZipFile("z.zip", "w", zipfile.ZIP_DEFLATED) as z: z.writestr("a/b", data)
                        zipfile.ZipFile("z.zip").extractall("zipped")
                        with tarfile.open("t.tgz", "w:gz") as t: t.add("zipped")
                        with tarfile.open("t.tgz") as t: print(t.getnames())
                        print(re.sub(r"[0-9]+", "#", json.dumps({"a": [1, 22]})))
                        """,
                        "True\n['zipped', 'zipped/a', 'zipped/a/b']\n{\"a\": [#, #]}"),
                python(
                        "a database of several threads",
                        """
                        import sqlite3, threading
                        c = sqlite3.connect("shared.db"); print(c.execute("pragma journal_mode=wal").fetchone()[0])
                        c.execute("create table t (x)"); c.commit()
                        def add():
                            d = sqlite3.connect("shared.db", timeout=30); d.execute("insert into t values (1)"); d.commit(); d.close()
                        threads = [threading.Thread(target=add) for i in range(4)]
                        for t in threads: t.start()
                        for t in threads: t.join()
                        print(c.execute("select count(*) from t").fetchone()[0])
                        """,
                        "wal\n4"));
    }

    private static List<Work> inPythonOfTheSystem() {
        return List.of(
                python(
                        "signals and limits of waiting",
                        """
                        import asyncio, os, signal, subprocess
                        async def main():
                            got = asyncio.Event(); asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
                            os.kill(os.getpid(), signal.SIGUSR1); await asyncio.wait_for(got.wait(), 10)
                            print(await asyncio.gather(asyncio.to_thread(lambda: 5), asyncio.sleep(0.01, 6)))
                            try: await asyncio.wait_for(asyncio.sleep(60), 0.01)
                            except asyncio.TimeoutError: print("late")
                        asyncio.run(main())
                        try: subprocess.run(["sleep", "60"], timeout=0.1)
                        except subprocess.TimeoutExpired: print("ended")
                        """,
                        "[5, 6]\nlate\nended"),
                python(
                        "rights and times",
                        """
                        import os, stat
                        open("f", "w").close(); os.chmod("f", 0o640); os.utime("f", (1, 2))
                        print(oct(stat.S_IMODE(os.stat("f").st_mode)), os.stat("f").st_mtime)
                        """,
                        "0o640 2.0"),
                python(
                        "numbers",
                        """
                        import math, random, decimal, json, re, time, mmap, signal
                        signal.signal(signal.SIGALRM, lambda *a: print("rung")); signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.1)
                        with mmap.mmap(-1, 4096) as m: m[:2] = b"ok"; print(m[:2].decode())
                        try:
                            import numpy
                            print(int((numpy.ones((50, 50)) @ numpy.ones((50, 50))).sum()))
                        except ImportError:
                            print(125000)
                        """,
                        "rung\nok\n125000"),
                python(
                        "modules that were written",
                        "open('mine.py', 'w').write('x = 5')",
                        "(no output)"),
                python("modules that are read", "import mine; print(mine.x)", "5"));
    }

    private static List<Work> inShell() {
        return List.of(
                shell(
                        "pipes",
                        "seq 1 5 | awk '{s += $1} END {print s}'; printf 'b\\n"
                                + "a\\n"
                                + "' | sort | head -1",
                        "15\na"),
                shell(
                        "files",
                        "mkdir -p a/b && cd a && echo x > b/c && cp -rp b d && mv d e && find ."
                                + " -type f | sort; ln -s b/c l; cat l; tar cf t.tar b e && tar tf"
                                + " t.tar | wc -l; cd ..; rm -rf a",
                        "./b/c\n./e/c\nx\n4"),
                shell(
                        "much, in parts",
                        "seq 200000 | sort -n --parallel=2 | tail -1; seq 200000 > n; split -l"
                            + " 50000 n part_; cat part_* | cmp - n && ls part_* | wc -l; seq 4 |"
                            + " xargs -n1 -P4 echo | sort | paste -sd,; timeout 0.1 sleep 60; echo"
                            + " $?",
                        "200000\n4\n1,2,3,4\n124"),
                shell(
                        "what is there",
                        "ls -d /episode && ls / | grep -c '^episode$'",
                        "/episode\n1"),
                shell(
                        "a file of rules",
                        "command -v make >/dev/null || { echo made; exit; }; printf"
                                + " 'a:\\n\\t@echo made\\n' > Makefile; make",
                        "made"),
                shell(
                        "in the background",
                        "(sleep 0.1; echo late) & wait; trap 'echo bye' EXIT; x=$(echo in); echo"
                                + " $x; mktemp >/dev/null && echo made",
                        "late\nin\nmade\nbye"),
                shell(
                        "a script",
                        "printf '#!/bin/sh\\necho ran $1' > s; chmod +x s; ./s it",
                        "ran it"),
                shell("here", "cat <<E\none\nE\nmkfifo p; (echo two > p &) ; cat p", "one\ntwo"));
    }

    private static List<Work> inJava() {
        return List.of(
                java(
                        "threads and processes",
                        """
                        import java.util.concurrent.*;
                        void main() throws Exception {
                            try (var pool = Executors.newFixedThreadPool(4)) { IO.println(pool.submit(() -> 6 * 7).get()); }
                            try (var pool = Executors.newVirtualThreadPerTaskExecutor()) { IO.println(pool.submit(() -> 8).get()); }
                            var p = new ProcessBuilder("echo", "child").start();
                            IO.print(new String(p.getInputStream().readAllBytes()));
                            IO.println(java.util.stream.IntStream.range(0, 1000).parallel().sum());
                        }
                        """,
                        "42\n8\nchild\n499500"),
                java(
                        "files",
                        """
                        import java.nio.file.*;
                        void main() throws Exception {
                            Path f = Files.createTempFile("a", "b"); Files.writeString(f, "text");
                            try (var c = java.nio.channels.FileChannel.open(f)) { IO.println(c.map(java.nio.channels.FileChannel.MapMode.READ_ONLY, 0, 4).get(0)); }
                            Files.copy(f, Path.of("copied")); IO.println(Files.size(Path.of("copied"))); Files.delete(Path.of("copied"));
                        }
                        """,
                        "116\n4"),
                shell(
                        "a compiler",
                        "echo 'class Hello { public static void main(String[] a) {"
                                + " java.util.stream.IntStream.range(0, 8).mapToObj(i ->"
                                + " Thread.startVirtualThread(() -> {})).toList();"
                                + " var t = new Thread(() -> System.out.println(\"hello\"));"
                                + " t.start(); } }' > Hello.java;"
                                + " JAVA_HOME/bin/javac Hello.java && JAVA_HOME/bin/java Hello",
                        "hello"));
    }

    @ParameterizedTest
    @MethodSource("work")
    void runs(Work work) throws Exception {
        Tool tool =
                episode.tools().stream()
                        .filter(t -> t.spec().name().equals(names.get(work.language())))
                        .findFirst()
                        .get();
        var context =
                new ToolContext(START, 0, 0, RandomSource.SPLIT_MIX_64.create(1), Instant.MAX);
        String code = work.code().replace("JAVA_HOME", System.getProperty("java.home"));
        assertEquals(
                work.output(), tool.call(Map.of(work.language().argument(), code), context).text());
    }
}
