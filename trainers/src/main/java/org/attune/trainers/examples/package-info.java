/// A prepared row of each kind of training: token ids and what is learned from them. Read
/// [SftExample] and [PreferenceExample].
package org.attune.trainers.examples;
