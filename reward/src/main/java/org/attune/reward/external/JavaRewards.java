package org.attune.reward.external;

import org.attune.error.ConfigException;
import org.attune.files.GivenText;
import org.attune.reward.RewardFunction;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Rewards written in Java: a source file, compiled when the run starts, or a class on the class
/// path.
///
/// Either is a class with a constructor without parameters that implements [RewardFunction]:
/// ```
/// import module java.base;
/// import org.attune.reward.*;
///
/// public class Polite implements RewardFunction {
///     public List<OptionalDouble> score(RewardBatch batch) {
///         return batch.completions().stream()
///                 .map(c -> OptionalDouble.of(c.text().contains("please") ? 1 : 0))
///                 .toList();
///     }
/// }
/// ```
public final class JavaRewards {
    private JavaRewards() {}

    /// Compiles a source file against the running program's class path, in memory, and makes an
    /// instance of the class in it that implements [RewardFunction]. If there are several, the one
    /// that is called like the file.
    ///
    /// @throws ConfigException if the file can't be read, doesn't compile (with `file:line:
    ///     message` for each error), holds no such class, or this Java has no compiler
    public static RewardFunction fromFile(Path file) {
        String source;
        try {
            source = GivenText.read(file);
        } catch (IOException e) {
            throw new ConfigException(
                    "can't read the reward's source file " + file + ": " + e.getMessage(), e);
        }
        List<Class<?>> classes = new MemoryCompiler(RewardFunction.class).compile(file, source);
        List<Class<?>> rewards = classes.stream().filter(JavaRewards::isReward).toList();
        if (rewards.isEmpty()) {
            throw new ConfigException(
                    "%s holds no class that implements %s and can be instantiated"
                            .formatted(file, RewardFunction.class.getName()));
        }
        if (rewards.size() == 1) {
            return instance(rewards.getFirst(), file.toString());
        }
        String expected = file.getFileName().toString().replaceFirst("\\.java$", "");
        for (Class<?> reward : rewards) {
            if (reward.getSimpleName().equals(expected)) {
                return instance(reward, file.toString());
            }
        }
        throw new ConfigException(
                "%s holds several rewards, %s; name one \"%s\" or give each its own file"
                        .formatted(
                                file,
                                rewards.stream().map(Class::getSimpleName).toList(),
                                expected));
    }

    /// Makes an instance of a class on the class path.
    ///
    /// @param name with its package
    /// @throws ConfigException if there is no such class, or it isn't a reward
    public static RewardFunction fromClass(String name) {
        Class<?> type;
        try {
            type = Class.forName(name, true, RewardFunction.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            throw new ConfigException(
                    "reward class %s can't be loaded: %s; is its jar on the class path?"
                            .formatted(name, e),
                    e);
        }
        if (!isReward(type)) {
            throw new ConfigException(
                    "class %s must implement %s and not be abstract"
                            .formatted(name, RewardFunction.class.getName()));
        }
        return instance(type, "class " + name);
    }

    private static boolean isReward(Class<?> type) {
        return RewardFunction.class.isAssignableFrom(type)
                && !type.isInterface()
                && !type.isAnonymousClass()
                && !type.isLocalClass()
                && !Modifier.isAbstract(type.getModifiers());
    }

    private static RewardFunction instance(Class<?> type, String where) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return (RewardFunction) constructor.newInstance();
        } catch (NoSuchMethodException e) {
            var parameters = new ArrayList<String>();
            for (Constructor<?> constructor : type.getDeclaredConstructors()) {
                parameters.add(constructor.toString());
            }
            throw new ConfigException(
                    "%s: %s needs a constructor without parameters, has %s"
                            .formatted(where, type.getSimpleName(), parameters),
                    e);
        } catch (InvocationTargetException e) {
            throw new ConfigException(
                    "%s: the constructor of %s failed: %s"
                            .formatted(where, type.getSimpleName(), e.getCause()),
                    e.getCause());
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new ConfigException(
                    "%s: can't instantiate %s: %s".formatted(where, type.getSimpleName(), e), e);
        }
    }
}
