/// Hashes by which texts, files and settings are recognised: [Sha256][org.attune.hash.Sha256].
package org.attune.hash;
