package org.attune.examples;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The classes of all modules' folders, tests too: those of other modules aren't on the class
/// path.
final class ModuleClasses {
    static final String ROOT = "org.attune.";

    static final Path REPOSITORY = Path.of(System.getProperty("attune.root", ".."));

    static final List<Path> FOLDERS = folders();

    static final JavaClasses ALL = new ClassFileImporter().importPaths(FOLDERS);

    private ModuleClasses() {}

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        try {
            Matcher modules =
                    Pattern.compile("(?m)^ +<module>(\\w+)</module>")
                            .matcher(Files.readString(REPOSITORY.resolve("pom.xml")));
            while (modules.find()) {
                Path target = REPOSITORY.resolve(modules.group(1)).resolve("target");
                folders.add(target.resolve("classes"));
                folders.add(target.resolve("test-classes"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        folders.removeIf(Files::notExists);
        return folders;
    }

    static boolean isTest(JavaClass type) {
        String place = type.getSource().orElseThrow().getUri().toString();
        return place.contains("/test-classes/") || place.contains("-tests.jar");
    }

    /// The folder of a class's module.
    static String module(JavaClass type) {
        return type.getSource().orElseThrow().getUri().toString().replaceFirst("org/attune/.*", "");
    }

    static JavaClass top(JavaClass type) {
        JavaClass outer = type;
        while (outer.getEnclosingClass().isPresent()) {
            outer = outer.getEnclosingClass().get();
        }
        return outer;
    }

    /// Attune's types that a class uses in any way.
    static Stream<JavaClass> usedBy(JavaClass user) {
        return user.getDirectDependenciesFromSelf().stream()
                .map(d -> d.getTargetClass().getBaseComponentType())
                .filter(t -> t.getName().startsWith(ROOT))
                .filter(t -> t.getSource().isPresent())
                .map(ModuleClasses::top);
    }

    /// Types that stand in what a member shows.
    static Stream<JavaClass> signature(JavaMember member) {
        Stream<JavaClass> more =
                member instanceof JavaCodeUnit code
                        ? Stream.concat(
                                code.getParameterTypes().stream().flatMap(ModuleClasses::raw),
                                code.getThrowsClause().getTypes().stream())
                        : Stream.empty();
        return Stream.concat(member.getAllInvolvedRawTypes().stream(), more)
                .map(JavaClass::getBaseComponentType);
    }

    /// Types that stand in what a type is declared as.
    static Stream<JavaClass> declaration(JavaClass type) {
        return Stream.of(
                        type.getInterfaces().stream(),
                        type.getSuperclass().stream(),
                        type.getTypeParameters().stream()
                                .flatMap(parameter -> parameter.getUpperBounds().stream()))
                .flatMap(types -> types.flatMap(ModuleClasses::raw))
                .map(JavaClass::getBaseComponentType);
    }

    private static Stream<JavaClass> raw(JavaType type) {
        return type.getAllInvolvedRawTypes().stream();
    }

    /// A type and the types nested in it that others can see.
    static Stream<JavaClass> withNested(JavaClass type) {
        return Stream.concat(
                Stream.of(type),
                type.getPackage().getClasses().stream()
                        .filter(nested -> nested != type && top(nested).equals(type))
                        .filter(nested -> !nested.isAnonymousClass() && !nested.isLocalClass())
                        .filter(nested -> isShown(nested.getModifiers())));
    }

    static boolean isShown(Collection<JavaModifier> modifiers) {
        return !modifiers.contains(JavaModifier.SYNTHETIC)
                && (modifiers.contains(JavaModifier.PUBLIC)
                        || modifiers.contains(JavaModifier.PROTECTED));
    }
}
