package org.attune.agents.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.agents.sandbox.Guarantee;
import org.attune.agents.sandbox.PythonHome;
import org.attune.agents.sandbox.SandboxConfig;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeoutException;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CodeToolsTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 1, 0, 0);

    /// Whatever this machine can guarantee.
    private static final SandboxConfig HERE = SandboxConfig.DEFAULTS.withRequire(Set.of());

    private final Map<Language, String> names = new EnumMap<>(Language.class);
    private CodeTools whole;
    private CodeTools session;

    @BeforeAll
    void open() throws Exception {
        names.put(Language.JAVA, "java");
        if (java.nio.file.Files.isExecutable(Path.of("/bin/sh"))) {
            names.put(Language.SH, "sh");
        }
        if (PythonHome.find().isPresent()) {
            names.put(Language.PYTHON, "python");
        }
        CodeConfig config =
                CodeConfig.DEFAULTS
                        .withSandbox(HERE)
                        .withTimeout(Duration.ofSeconds(60))
                        .withMaxOutput(200);
        whole = CodeTools.open(names, config, Optional.empty());
        if (names.size() > 1) {
            session = CodeTools.open(names, config.withIsSession(true), Optional.empty());
        }
    }

    @AfterAll
    void close() {
        whole.close();
        if (session != null) {
            session.close();
        }
    }

    private String call(ToolSet set, Language language, String code) throws Exception {
        assumeTrue(names.containsKey(language), language + " isn't installed");
        Tool tool =
                set.tools().stream()
                        .filter(t -> t.spec().name().equals(names.get(language)))
                        .findFirst()
                        .get();
        var context =
                new ToolContext(START, 0, 0, RandomSource.SPLIT_MIX_64.create(1), Instant.MAX);
        return tool.call(Map.of(language.argument(), code), context).text();
    }

    private String once(Language language, String code) throws Exception {
        try (ToolSet set = whole.open(START)) {
            return call(set, language, code);
        }
    }

    @Test
    void aProgramsOutputIsTheAnswer() throws Exception {
        assertEquals("6", once(Language.PYTHON, "print(2 * 3)"));
        assertEquals("(no output)", once(Language.PYTHON, "2 * 3"));
        assertEquals("a\nb", once(Language.SH, "echo a; echo b >&2"));
    }

    @Tag("thorough")
    @Test
    void javaRunsAsOneFile() throws Exception {
        assertEquals("6", once(Language.JAVA, "void main() { IO.println(2 * 3); }"));
        String wrong = once(Language.JAVA, "void main() { int x = \"a\"; }");
        assertTrue(wrong.startsWith("/code/Call1.java:1: error: incompatible types"), wrong);
        assertTrue(wrong.endsWith("(exit code 1)"), wrong);
    }

    @Test
    void aCrashIsTextThatSaysTheSameEachTime() throws Exception {
        String crash = once(Language.PYTHON, "x = []\nx[1]");
        assertEquals(
                "Traceback (most recent call last):\n"
                        + "  File \"/code/Call1.py\", line 2, in <module>",
                crash.substring(0, crash.indexOf("<module>") + 8));
        assertTrue(crash.endsWith("IndexError: list index out of range\n(exit code 1)"), crash);
        assertEquals(crash, once(Language.PYTHON, "x = []\nx[1]"));
        assertEquals("(exit code 3)", once(Language.SH, "exit 3"));
    }

    @Tag("thorough")
    @Test
    void filesAreKeptInAnEpisodeAndSharedByItsTools() throws Exception {
        try (ToolSet one = whole.open(START);
                ToolSet other = whole.open(START)) {
            call(one, Language.SH, "echo kept > file");
            assertEquals("kept", call(one, Language.SH, "cat file"));
            assertEquals(
                    "no\n(exit code 1)",
                    call(other, Language.SH, "[ -e file ] || { echo no; exit 1; }"));
            assertEquals("kept", call(one, Language.PYTHON, "print(open('file').read())"));
        }
    }

    @Test
    void longOutputIsCutWithANotice() throws Exception {
        String output = once(Language.PYTHON, "print('a' * 1000 + 'end')");
        assertEquals(
                "a".repeat(100) + "\n… 804 characters left out …\n" + "a".repeat(96) + "end",
                output);
    }

    @Tag("thorough")
    @Test
    void slownessIsTheModelsFault() throws Exception {
        CodeConfig fast =
                CodeConfig.DEFAULTS.withSandbox(HERE).withTimeout(Duration.ofMillis(1500));
        assumeTrue(names.containsKey(Language.SH));
        try (CodeTools tools = CodeTools.open(names, fast, Optional.empty());
                ToolSet set = tools.open(START)) {
            assertTrue(set.tools().getFirst().limits().isSlownessTheModels());
            TimeoutException e =
                    assertThrows(
                            TimeoutException.class,
                            () -> call(set, Language.SH, "echo begun; while :; do :; done"));
            assertEquals(
                    "it ran longer than 1.5 s and was ended; it had written:\nbegun",
                    e.getMessage().replace("\nKilled", ""));
        }
    }

    @Tag("thorough")
    @Test
    void aFullFolderTakesNoMore() throws Exception {
        assumeTrue(whole.guarantees().holds(Guarantee.DISK));
        CodeConfig small =
                CodeConfig.DEFAULTS
                        .withTimeout(Duration.ofSeconds(60))
                        .withSandbox(HERE.withDisk(1 << 20));
        try (CodeTools tools = CodeTools.open(names, small, Optional.empty());
                ToolSet set = tools.open(START)) {
            String fill =
                    "i=0; while head -c 500000 /dev/zero > f$i; do i=$((i+1)); done; echo full $i";
            String output = call(set, Language.SH, fill);
            assertTrue(output.endsWith("No space left on device\nfull 2"), output);
            assertEquals("f0\nf1\nf2", call(set, Language.SH, "ls"));
        }
    }

    /// What a program puts where code might be written to is never written to.
    @Test
    void filesInTheWayOfCodeAreLeftAlone() throws Exception {
        assumeTrue(whole.guarantees().holds(Guarantee.FILES));
        try (ToolSet set = whole.open(START)) {
            call(
                    set,
                    Language.SH,
                    "echo own > own; ln -s own Call2.sh; mkfifo Call3.sh; mkdir Call4.sh; ln -s own"
                            + " Call5.py");
            for (int i = 2; i < 5; i++) {
                assertEquals("ran", call(set, Language.SH, "echo ran"));
            }
            assertEquals("ran", call(set, Language.PYTHON, "print('ran')"));
            assertEquals("own", call(set, Language.SH, "cat own"));
            String refused =
                    call(set, Language.SH, "echo x > /code/x; echo x >> $0; ln -s own /code/l");
            assertEquals(
                    3,
                    refused.lines().filter(l -> l.matches(".*(Read-only|denied).*")).count(),
                    refused);
        }
    }

    @Test
    void aSessionKeepsVariables() throws Exception {
        try (ToolSet set = session(Language.PYTHON)) {
            assertEquals(
                    "(no output)", call(set, Language.PYTHON, "x = 20\ndef f(y): return x + y"));
            assertEquals("22", call(set, Language.PYTHON, "f(2)"));
            String crash = call(set, Language.PYTHON, "y = 1\nf('a')");
            assertTrue(
                    crash.startsWith(
                            """
                            Traceback (most recent call last):
                              File "Call3.py", line 2, in <module>
                                f('a')\
                            """),
                    crash);
            assertEquals("1", call(set, Language.PYTHON, "print(y)"));
            assertTrue(call(set, Language.PYTHON, "x = (").contains("SyntaxError"));
        }
    }

    @Test
    void aSessionThatEndsBeginsAnew() throws Exception {
        try (ToolSet set = session(Language.PYTHON)) {
            call(set, Language.PYTHON, "x = 1; open('file', 'w').write('kept')");
            assertEquals(
                    "bye\n(exit code 2)\n(the session ended; the next call begins a new one)",
                    call(set, Language.PYTHON, "import sys; print('bye'); sys.exit(2)"));
            String lost = call(set, Language.PYTHON, "print(open('file').read()); x");
            assertTrue(lost.startsWith("kept\n"), lost);
            assertTrue(lost.endsWith("NameError: name 'x' is not defined"), lost);
        }
    }

    @Test
    void aShellsSessionTakesAnyCode() throws Exception {
        try (ToolSet set = session(Language.SH)) {
            String quoted =
                    call(set, Language.SH, "echo 'it'\\''s' \"$((1 + 1))\"; cat <<E\nhere\nE");
            assertEquals("it's 2\nhere", quoted);
            assertEquals("a\nb", call(set, Language.SH, "for x in a b\ndo echo $x # one\ndone"));
            String wrong = call(set, Language.SH, "if");
            assertTrue(wrong.contains("syntax error"), wrong);
        }
    }

    @Test
    void aShellsSessionKeepsItsFolderAndVariables() throws Exception {
        try (ToolSet set = session(Language.SH)) {
            call(set, Language.SH, "mkdir sub; x=5");
            assertEquals("5", call(set, Language.SH, "echo $x"));
            assertEquals(
                    "", call(set, Language.SH, "read line; echo $line").replace("(no output)", ""));
        }
    }

    private ToolSet session(Language language) throws Exception {
        assumeTrue(names.containsKey(language), language + " isn't installed");
        return session.open(START);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        ConfigException e =
                assertThrows(
                        ConfigException.class,
                        () ->
                                CodeTools.open(
                                        Map.of(Language.JAVA, "java"),
                                        CodeConfig.DEFAULTS.withIsSession(true),
                                        Optional.empty()));
        assertTrue(e.getMessage().startsWith("'session' keeps an interpreter"), e.getMessage());
        e =
                assertThrows(
                        ConfigException.class,
                        () ->
                                CodeTools.open(
                                        Map.of(Language.PYTHON, "python"),
                                        CodeConfig.DEFAULTS,
                                        Optional.of(Path.of("/nowhere/python"))));
        assertEquals(
                "the tool \"python\" needs a Python 3: /nowhere/python is none. Install one, or"
                        + " name it by 'program'.",
                e.getMessage());
        assertThrows(ConfigException.class, () -> CodeConfig.DEFAULTS.withMaxOutput(99));
        assertThrows(ConfigException.class, () -> CodeConfig.DEFAULTS.withTimeout(Duration.ZERO));
    }

    @Test
    void theModelIsToldOneArgument() throws Exception {
        assumeTrue(names.containsKey(Language.PYTHON));
        try (ToolSet set = whole.open(START)) {
            assertEquals(
                    List.of("python", "java", "sh"),
                    set.tools().stream().map(tool -> tool.spec().name()).toList());
            assertEquals(
                    Map.of(
                            "type",
                            "object",
                            "properties",
                            Map.of(
                                    "code",
                                    Map.of("type", "string", "description", "a whole program")),
                            "required",
                            List.of("code")),
                    set.tools().getFirst().spec().parameters());
        }
    }

    @Test
    void defaultsArePinned() {
        assertEquals(
                new CodeConfig(SandboxConfig.DEFAULTS, Duration.ofSeconds(10), 4096, false),
                CodeConfig.DEFAULTS);
    }
}
