package org.sidetone.sample.screens

import org.sidetone.ffi.Feature
import org.sidetone.ffi.FeatureState
import org.sidetone.ffi.Snapshot

/** What the server has and what this user may, feature by feature. */
data class FeaturesPage(
    /** Why the server cannot say, or what its word is worth. */
    val note: String?,
    val lines: List<FeatureLine>,
)

data class FeatureLine(val feature: Feature, val light: Light, val words: String)

/** Null: nobody is signed in. */
fun featuresPage(snapshot: Snapshot): FeaturesPage? {
    val features = snapshot.features ?: return null
    val isTold = features.features.any { it.state !is FeatureState.Unknown }
    val note = features.problemText?.let(::sentence) ?: when {
        features.certain -> null
        isTold -> "As the server said last."
        else -> "The server has not said it yet."
    }
    val lines = features.features.map { (feature, state) ->
        val (light, words) = when (state) {
            is FeatureState.Unknown -> Light.OFF to "not known"
            is FeatureState.Available -> Light.READY to "there"
            is FeatureState.Missing -> Light.PAUSED to "not there: ${state.why}; tell its administrator"
            is FeatureState.NotAllowed -> Light.OFF to NOT_ALLOWED
        }
        FeatureLine(feature, if (features.certain) light else Light.OFF, "${nameOf(feature)}: $words")
    }
    return FeaturesPage(note, lines)
}

/** Why this is not offered, where the server has said so on this connection; null: what is tried, the server decides. */
internal fun withheld(snapshot: Snapshot, feature: Feature): String? {
    val features = snapshot.features?.takeIf { it.certain } ?: return null
    return when (val state = features.features.firstOrNull { it.feature == feature }?.state) {
        is FeatureState.Missing -> sentence("${nameOf(feature)}: ${state.why}; tell its administrator")
        is FeatureState.NotAllowed -> forbidden(snapshot, feature)
        else -> null
    }
}

/** Why the user may not, as the server said last: what the phone or the app itself keeps to holds also in the doubt. */
internal fun forbidden(snapshot: Snapshot, feature: Feature): String? {
    val state = snapshot.features?.features?.firstOrNull { it.feature == feature }?.state
    return sentence("${nameOf(feature)}: $NOT_ALLOWED").takeIf { state is FeatureState.NotAllowed }
}

private const val NOT_ALLOWED = "not allowed to you; ask the administrator for it"

private fun nameOf(feature: Feature) = feature.name.lowercase().replace('_', ' ')
