package org.sidetone

import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import org.sidetone.ffi.Event
import org.sidetone.ffi.PhoneConfig
import org.sidetone.ffi.RegistrationState

/** A first call: sign in, dial a number, wait until both sides are heard, hang up. */
suspend fun firstCall(config: PhoneConfig, number: String) {
    val phone = SidetonePhone.start(config)
    phone.signIn()
    phone.snapshot.first { it.registration.state == RegistrationState.REGISTERED }
    val call = phone.dial(number)
    phone.events().first { it.event == Event.Established(call) }
    delay(2.seconds)
    phone.hangUp(call)
    phone.events().first { (it.event as? Event.Ended)?.call == call }
    phone.shutdown()
}
