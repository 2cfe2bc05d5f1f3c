package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.Method;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

/// `./attune` compiles single changed files where no other class can see the change: what counts
/// as seen is the shape of a class in `.mvn/build`.
final class SingleFilesBuildTest {
    private static final String BEFORE =
            """
            class A {
                static final int LIMIT = 3;
                private int hidden() { return 1; }
                int seen(int a) { return hidden() + a; }
            }
            """;

    @TempDir private static Path folder;
    private static URLClassLoader build;

    @BeforeAll
    static void compileTheBuild() throws Exception {
        Path sources = Path.of(System.getProperty("attune.root", "..")).resolve(".mvn/build");
        Path classes = Files.createDirectory(folder.resolve("build"));
        try (Stream<Path> files = Files.list(sources)) {
            compile(classes, files.map(Path::toString).toList());
        }
        build = new URLClassLoader(new java.net.URL[] {classes.toUri().toURL()});
    }

    private static void compile(Path classes, List<String> sources) {
        var arguments = new ArrayList<>(List.of("-d", classes.toString(), "-parameters"));
        arguments.addAll(sources);
        int status =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, arguments.toArray(String[]::new));
        assertEquals(0, status, sources.toString());
    }

    private static Object shape(String what, String source) throws Exception {
        Path place = Files.createTempDirectory(folder, "classes");
        Path file = Files.writeString(place.resolve("A.java"), source);
        compile(place, List.of(file.toString()));
        var bytes = new ArrayList<byte[]>();
        try (Stream<Path> files = Files.list(place)) {
            for (Path one : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                bytes.add(Files.readAllBytes(one));
            }
        }
        Method method =
                build.loadClass("Shape").getDeclaredMethod(what, java.util.Collection.class);
        method.setAccessible(true);
        return method.invoke(null, bytes);
    }

    @Test
    void bodiesAndPrivateMembersAreNotSeen() throws Exception {
        Object before = shape("all", BEFORE);
        assertEquals(before, shape("all", BEFORE.replace("hidden() + a", "hidden() * a - 2")));
        assertEquals(before, shape("all", BEFORE.replace("hidden", "concealed")));
        String lambda = "new Object() { int b() { return a; } }.b()";
        assertEquals(before, shape("all", BEFORE.replace("hidden() + a", lambda)));
    }

    @Test
    void whatOthersUseIsSeen() throws Exception {
        Object before = shape("all", BEFORE);
        for (String after :
                List.of(
                        BEFORE.replace("int seen", "long seen"),
                        BEFORE.replace("int seen", "private int seen"),
                        BEFORE.replace("int seen", "static int seen").replace("hidden() +", ""),
                        BEFORE.replace("(int a)", "(int a) throws java.io.IOException"),
                        BEFORE.replace("(int a)", "(long a)").replace("hidden() + a", "1"),
                        BEFORE.replace("class A", "final class A"),
                        BEFORE.replace("class A", "class A implements Runnable")
                                .replace("private", "public void run() {} private"),
                        BEFORE.replace("private", "int more; private"),
                        BEFORE.replace("private", "@Deprecated int more; private"),
                        BEFORE.replace("private", "record R(int a) {} private"),
                        BEFORE.replace("class A", "class A<T>"))) {
            assertNotEquals(before, shape("all", after), after);
        }
    }

    /// The compiler copies their values into the classes that use them.
    @Test
    void constantsAreCompared() throws Exception {
        assertEquals(shape("constants", BEFORE), shape("constants", BEFORE.replace("+", "-")));
        assertNotEquals(
                shape("constants", BEFORE), shape("constants", BEFORE.replace("= 3", "= 4")));
    }
}
