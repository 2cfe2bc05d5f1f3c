package org.attune.program;

import org.attune.error.ConfigException;
import org.attune.files.GivenText;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/// Finds classes of one kind that users name: in a source file, which is compiled in memory, or on
/// the class path.
///
/// @param noun what they are, in messages: `reward`
/// @param neighbour a class whose loader finds them, and what they use
/// @param fits whether a class is one
/// @param rule what such a class is like, after "a class that": `implements …`
public record GivenClasses(String noun, Class<?> neighbour, Predicate<Class<?>> fits, String rule) {
    /// Compiles a source file against the running program's class path, and takes the class in it
    /// that fits. If there are several, the one that is called like the file.
    ///
    /// @throws ConfigException if the file can't be read, doesn't compile (with `file:line:
    ///     message` for each error), holds no such class, or this Java has no compiler
    public GivenClass fromFile(Path file) {
        String source;
        try {
            source = GivenText.read(file);
        } catch (IOException e) {
            throw new ConfigException(
                    "can't read the %s's source file %s: %s".formatted(noun, file, e.getMessage()),
                    e);
        }
        GivenPrograms.tell(noun, file);
        List<Class<?>> all = new MemoryCompiler(neighbour, noun).compile(file, source);
        List<Class<?>> fitting = all.stream().filter(this::isOne).toList();
        if (fitting.isEmpty()) {
            throw new ConfigException(
                    "%s holds no class that %s and can be instantiated".formatted(file, rule));
        }
        if (fitting.size() == 1) {
            return new GivenClass(fitting.getFirst(), file.toString());
        }
        String expected = file.getFileName().toString().replaceFirst("\\.java$", "");
        return fitting.stream()
                .filter(type -> type.getSimpleName().equals(expected))
                .findFirst()
                .map(type -> new GivenClass(type, file.toString()))
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        "%s holds several %ss, %s; name one \"%s\" or give each its own file"
                                                .formatted(
                                                        file,
                                                        noun,
                                                        fitting.stream()
                                                                .map(Class::getSimpleName)
                                                                .toList(),
                                                        expected)));
    }

    /// A class on the class path.
    ///
    /// @param name with its package
    /// @throws ConfigException if there is no such class, or it doesn't fit
    public GivenClass fromClass(String name) {
        Class<?> type;
        try {
            type = Class.forName(name, true, neighbour.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            throw new ConfigException(
                    "%s class %s can't be loaded: %s; is its jar on the class path?"
                            .formatted(noun, name, e),
                    e);
        }
        if (!isOne(type)) {
            throw new ConfigException(
                    "class %s must be a class that %s, and not abstract".formatted(name, rule));
        }
        return new GivenClass(type, "class " + name);
    }

    private boolean isOne(Class<?> type) {
        return fits.test(type)
                && !type.isInterface()
                && !type.isAnonymousClass()
                && !type.isLocalClass()
                && !Modifier.isAbstract(type.getModifiers());
    }
}
