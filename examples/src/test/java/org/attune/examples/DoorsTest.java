package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Doors between modules and packages: what is public because something else needs it. A public
/// type that nothing else uses is an open door to nowhere.
@Tag("thorough")
final class DoorsTest {
    /// Types that modules use of others. It may only fall, except where a package becomes a module:
    /// 8 types that others use of `auto`, 2 of `base`, 1 of `text`, 8 around `reports` and what
    /// `ranks` uses of the core were doors between packages before; kinds of adapters need 3, `Api`
    /// and `Providers` 2, `Sweep` 3; vocabularies that aren't a `tokenizer.json` 1, the form of
    /// completions 1, beginnings of adapters from rows 1; `serve`, a module, 10; scores, which it
    /// shares with trainers, 2, and clients of servers, 1; the frameworks of applications 4;
    /// `feedback` and `learn`, modules, 10; rows with labels and what measures a model on them, 2;
    /// weights in few bits 1; completions of several rounds 1; GGUF files that are written 5. What
    /// makes tokens of samples went to the trainers: 31 fewer. `board`, a module, 9. Optimizers
    /// went there too: 8 fewer. `images`, a module, 2; four that
    /// one place alone used are fewer.
    private static final int MOST_DOORS = 520;

    private static final String EXAMPLES = "org.attune.examples"; // they are read, not used

    @Test
    void modulesKnowFewTypesOfOthers() {
        Map<String, Set<String>> doors = new TreeMap<>();
        for (JavaClass user : ModuleClasses.ALL) {
            if (!ModuleClasses.isTest(user)) {
                ModuleClasses.usedBy(user)
                        .filter(
                                used ->
                                        !ModuleClasses.module(used)
                                                .equals(ModuleClasses.module(user)))
                        .forEach(
                                used ->
                                        doors.computeIfAbsent(
                                                        ModuleClasses.module(used),
                                                        _ -> new TreeSet<>())
                                                .add(used.getName()));
            }
        }
        int count = doors.values().stream().mapToInt(Set::size).sum();
        Map<String, Integer> counts = new TreeMap<>();
        doors.forEach(
                (place, types) ->
                        counts.put(
                                place.replaceFirst("(/target)?/classes/?$", "")
                                        .replaceFirst(".*/", ""),
                                types.size()));
        String found = count + " types are used by modules that don't have them: " + counts;
        System.out.println(found);
        assertTrue(count <= MOST_DOORS, found + "; at most " + MOST_DOORS + " may be");
    }

    @Test
    void whatIsPublicIsUsedElsewhere() throws IOException {
        Set<String> providers = providers();
        Set<JavaClass> needed = new HashSet<>();
        for (JavaClass user : ModuleClasses.ALL) {
            ModuleClasses.usedBy(user)
                    .filter(used -> !used.getPackageName().equals(user.getPackageName()))
                    .forEach(needed::add);
        }
        Set<JavaClass> open =
                ModuleClasses.ALL.stream()
                        .filter(type -> !ModuleClasses.isTest(type) && type.isTopLevelClass())
                        .filter(type -> !type.getPackageName().startsWith(EXAMPLES))
                        .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
                        .collect(Collectors.toSet());
        Set<JavaClass> mentioned =
                open.stream()
                        .filter(needed::contains)
                        .flatMap(DoorsTest::mentioned)
                        .collect(Collectors.toCollection(HashSet::new));
        while (mentioned.addAll(
                mentioned.stream().flatMap(DoorsTest::mentioned).collect(Collectors.toSet()))) {}
        Set<String> nowhere =
                open.stream()
                        .filter(type -> !needed.contains(type) && !mentioned.contains(type))
                        .filter(type -> type.tryGetMethod("main", String[].class).isEmpty())
                        .filter(type -> !type.isAnnotation() && !providers.contains(type.getName()))
                        .filter(type -> !type.getSimpleName().endsWith("Copies"))
                        .filter(type -> !isConstants(type))
                        .map(JavaClass::getName)
                        .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(Set.of(), nowhere, "public types that nothing else uses");
    }

    /// Whether a type has numbers only, which the compiler copies to where they are used.
    private static boolean isConstants(JavaClass type) {
        return type.getMethods().isEmpty()
                && !type.getFields().isEmpty()
                && type.getFields().stream().allMatch(f -> f.getRawType().isPrimitive());
    }

    /// Types in the signatures that a type shows.
    private static Stream<JavaClass> mentioned(JavaClass type) {
        Stream<JavaClass> nested =
                type.getPackage().getClasses().stream()
                        .filter(t -> t != type && ModuleClasses.top(t).equals(type));
        return Stream.concat(Stream.of(type), nested)
                .flatMap(
                        t ->
                                Stream.of(
                                                t.getAllRawInterfaces(),
                                                t.getAllRawSuperclasses(),
                                                signatures(t))
                                        .flatMap(Collection::stream))
                .map(JavaClass::getBaseComponentType)
                .filter(t -> t.getName().startsWith("org.attune."))
                .map(ModuleClasses::top);
    }

    private static Set<JavaClass> signatures(JavaClass type) {
        return type.getMembers().stream()
                .filter(m -> !m.getModifiers().contains(JavaModifier.PRIVATE))
                .flatMap(
                        m ->
                                Stream.concat(
                                        m.getAllInvolvedRawTypes().stream(),
                                        m instanceof JavaCodeUnit code
                                                ? code.getParameterTypes().stream()
                                                        .flatMap(
                                                                p ->
                                                                        p
                                                                                .getAllInvolvedRawTypes()
                                                                                .stream())
                                                : Stream.empty()))
                .collect(Collectors.toSet());
    }

    /// What the service loader makes, by the files that name it.
    private static Set<String> providers() throws IOException {
        Set<String> named = new TreeSet<>();
        for (Path folder : ModuleClasses.FOLDERS) {
            Path services = folder.resolve("META-INF/services");
            if (Files.isDirectory(services)) {
                try (Stream<Path> files = Files.list(services)) {
                    for (Path file : files.toList()) {
                        named.addAll(Files.readAllLines(file));
                    }
                }
            }
        }
        return named;
    }
}
