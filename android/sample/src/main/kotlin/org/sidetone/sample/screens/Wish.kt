package org.sidetone.sample.screens

import java.util.UUID
import org.sidetone.CallCoordinator
import org.sidetone.SidetonePhone
import org.sidetone.ffi.AgentRequest
import org.sidetone.ffi.RecordingAction
import org.sidetone.ffi.SupervisionMode

/** What a touch asks for: a command of the core, under the core's name. */
sealed interface Wish {
    data class Agent(val request: AgentRequest) : Wish
    data class Dial(val to: String) : Wish
    data class Answer(val call: UUID) : Wish
    data class Decline(val call: UUID) : Wish
    data class HangUp(val call: UUID) : Wish
    data class SetHold(val call: UUID, val on: Boolean) : Wish
    data class SetMute(val call: UUID, val on: Boolean) : Wish
    data class Transfer(val call: UUID, val to: String) : Wish
    data class TransferTo(val call: UUID, val with: UUID) : Wish
    data object Swap : Wish
    data class Merge(val calls: List<UUID>) : Wish
    data class Split(val call: UUID) : Wish
    data object Leave : Wish
    data class SendMessage(val to: String, val text: String) : Wish
    data class Record(val call: UUID, val recording: String, val action: RecordingAction) : Wish
    data class Supervise(val target: String, val mode: SupervisionMode, val follow: Boolean) : Wish
    data class SetSupervisionMode(val call: UUID, val mode: SupervisionMode) : Wish
    data class SetAutoAnswer(val on: Boolean) : Wish
}

/** Sends it: by way of [calls] what the platform must know of first, else to [phone]. Throws the core's refusal. */
suspend fun send(wish: Wish, calls: CallCoordinator, phone: SidetonePhone) {
    when (wish) {
        is Wish.Agent -> when (val request = wish.request) {
            is AgentRequest.LogIn -> phone.logIn(request.queue, request.reason)
            is AgentRequest.LogOut -> phone.logOut(request.queue)
            is AgentRequest.Pause -> phone.pause(request.reason)
            is AgentRequest.Unpause -> phone.unpause()
        }
        is Wish.Dial -> calls.dial(wish.to)
        is Wish.Answer -> calls.answer(wish.call)
        is Wish.Decline -> calls.decline(wish.call)
        is Wish.HangUp -> calls.hangUp(wish.call)
        is Wish.SetHold -> calls.setHold(wish.call, wish.on)
        is Wish.SetMute -> calls.setMute(wish.call, wish.on)
        is Wish.Transfer -> phone.transfer(wish.call, wish.to)
        is Wish.TransferTo -> phone.transferTo(wish.call, wish.with)
        is Wish.Swap -> phone.swap()
        is Wish.Merge -> phone.merge(wish.calls)
        is Wish.Split -> phone.split(wish.call)
        is Wish.Leave -> phone.leave()
        is Wish.SendMessage -> phone.sendMessage(wish.to, wish.text)
        is Wish.Record -> phone.record(wish.call, wish.recording, wish.action)
        is Wish.Supervise -> phone.supervise(wish.target, wish.mode, wish.follow)
        is Wish.SetSupervisionMode -> phone.setSupervisionMode(wish.call, wish.mode)
        is Wish.SetAutoAnswer -> phone.setAutoAnswer(wish.on)
    }
}
